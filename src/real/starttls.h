#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "outside/transport.h"

namespace certferry {

// Speaks the plain text that comes before TLS on `socket` until the server says that TLS begins: SMTP (RFC 3207), IMAP
// (RFC 9051 section 6.2.1), LDAP (RFC 4511 section 4.14), PostgreSQL's SSLRequest. Reads at most 8 KiB. Failure
// (transient): the server declines, says something else, or sends more than its word before TLS. The socket's own
// errors are thrown as boost::system::system_error. No deadline of its own.
Task<> open_starttls(boost::asio::ip::tcp::socket& socket, StartTls protocol);

}  // namespace certferry
