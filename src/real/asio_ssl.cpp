// The compiled part of Asio's TLS streams; the rest of Asio is compiled in base.
#include <boost/asio/ssl/impl/src.hpp>
