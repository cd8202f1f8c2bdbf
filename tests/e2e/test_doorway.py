"""The door before the real servers is none of theirs: what its tests kill must not hold them up."""

import socket

from doorway import Doorway, Hold


def test_a_request_whose_client_died_before_its_body_was_sent_reaches_no_server(aws):
    door = Doorway(("127.0.0.1", int(aws.url.rsplit(":", 1)[1])), Hold())
    try:
        with socket.create_connection(("127.0.0.1", door.port), timeout=10) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: iam.amazonaws.com\r\nContent-Length: 100\r\n\r\nAction=List")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b"", "the door has closed it"
        assert aws.client("route53").list_hosted_zones()["HostedZones"] is not None
        assert door.requests == []
    finally:
        door.stop()
