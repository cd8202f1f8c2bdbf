"""moto as AWS, and a DNS server that answers from moto's hosted zones, in one process."""

import contextlib
import copy
import itertools
import random
import socket
import threading

import boto3
from dnslib import QTYPE, RCODE, RR, TXT, NS, CNAME
from dnslib.server import BaseResolver, DNSServer, TCPServer, UDPServer
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

ACCOUNT = "123456789012"
REGION = "eu-west-1"


_making_a_client = threading.Lock()


def boto_client(service, **words):
    """boto3's, which must not be made by two threads at once; what was made may be used by any."""
    with _making_a_client:
        return boto3.client(service, **words)


class ZoneResolver(BaseResolver):
    """Answers TXT and CNAME as the hosted zones hold them at this moment."""

    def __init__(self):
        self.asked = []

    def resolve(self, request, handler):
        from moto.route53.models import route53_backends

        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        known = False
        for zone in route53_backends[ACCOUNT]["aws"].zones.values():
            apex = zone.name.rstrip(".")
            if apex.endswith("." + name):
                known = True  # its parents are there, and empty
            if name != apex and not name.endswith("." + apex):
                continue
            known = True
            if kind == "NS" and name == apex:
                reply.add_answer(RR(name, QTYPE.NS, rdata=NS("ns." + apex)))
            for record_set in zone.rrsets:
                if record_set.name.rstrip(".").lower() != name:
                    continue
                for value in record_set.records:
                    if record_set.type == "TXT" and kind in ("TXT", "ANY"):
                        reply.add_answer(RR(name, QTYPE.TXT, ttl=1, rdata=TXT(value.strip('"').encode())))
                    if record_set.type == "CNAME":
                        reply.add_answer(RR(name, QTYPE.CNAME, ttl=1, rdata=CNAME(value)))
        if not known:
            reply.header.rcode = RCODE.REFUSED
        reply.header.aa = 1
        return reply


class BusyTCPServer(TCPServer):
    request_queue_size = 512  # a CA validates twenty names from three places at once


_ports = itertools.cycle(random.sample(range(20000, 32000), 12000))


def free_port():
    """One for a peer that takes its port as a word, and binds it later: out of what the kernel gives to others meanwhile."""
    for port in itertools.islice(_ports, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("none of a hundred ports is free")


def one_at_a_time(app):
    """moto keeps what it has in dictionaries, and lists them while another thread may change them."""
    turn = threading.Lock()

    def answer(environ, start_response):
        with turn:
            return app(environ, start_response)

    return answer


class AwsPeer:
    region = REGION

    def __init__(self):
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        _, port = self.server.get_host_and_port()
        self.server._server.app = one_at_a_time(self.server._server.app)
        self.url = f"http://127.0.0.1:{port}"
        self.dns_port = free_port()
        self.zones = ZoneResolver()
        self.dns = [
            DNSServer(self.zones, port=self.dns_port, address="127.0.0.1", tcp=tcp, server=server)
            for tcp, server in ((False, UDPServer), (True, BusyTCPServer))
        ]
        for server in self.dns:
            server.start_thread()
        self._lock = threading.Lock()

    def in_region(self, region):
        """The same account, seen from another region: it has load balancers of its own."""
        there = copy.copy(self)
        there.region = region
        return there

    def stop(self):
        for server in self.dns:
            server.stop()
        self.server.stop()

    def environment(self):
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret-at-all",
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service):
        return boto_client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="not-a-secret-at-all",
        )

    def zone(self, name):
        """A public hosted zone of this name; its id. The tests of one process share them, and a second one of a name would
        fail whichever test comes later: each has names of its own."""
        there = {zone["Name"] for zone in self.client("route53").list_hosted_zones()["HostedZones"]}
        assert name + "." not in there, f"another test has the zone {name}: name this one otherwise"
        reply = self.client("route53").create_hosted_zone(Name=name, CallerReference=name)
        return reply["HostedZone"]["Id"].split("/")[-1]

    def txt_sets(self, zone_id):
        sets = self.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        return [s for s in sets if s["Type"] == "TXT"]

    def classic(self, name, certificate=None, port=443):
        listener = {"Protocol": "HTTPS", "LoadBalancerPort": port, "InstanceProtocol": "HTTP", "InstancePort": 80}
        if certificate:
            listener["SSLCertificateId"] = certificate
        self.client("elb").create_load_balancer(
            LoadBalancerName=name, Listeners=[listener], AvailabilityZones=[self.region + "a"]
        )

    def classic_certificate(self, name):
        reply = self.client("elb").describe_load_balancers(LoadBalancerNames=[name])
        return reply["LoadBalancerDescriptions"][0]["ListenerDescriptions"][0]["Listener"].get("SSLCertificateId")

    def application(self, name, certificate):
        """An application load balancer with one HTTPS listener; the listener's ARN."""
        ec2, elbv2 = self.client("ec2"), self.client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=self.region + zone)["Subnet"]["SubnetId"]
            for i, zone in enumerate("ab")
        ]
        balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        group = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
        listener = elbv2.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        return listener["Listeners"][0]["ListenerArn"]

    def listener_certificate(self, arn):
        reply = self.client("elbv2").describe_listeners(ListenerArns=[arn])
        return reply["Listeners"][0]["Certificates"][0]["CertificateArn"]

    def upload(self, name, chain, key, path="/"):
        """A server certificate as somebody else put it there; its ARN."""
        reply = self.client("iam").upload_server_certificate(
            Path=path, ServerCertificateName=name, CertificateBody=chain, PrivateKey=key
        )
        return reply["ServerCertificateMetadata"]["Arn"]

    def server_certificates(self, path=None):
        found = self.client("iam").list_server_certificates()["ServerCertificateMetadataList"]
        return [c for c in found if path is None or c["Path"] == path]
