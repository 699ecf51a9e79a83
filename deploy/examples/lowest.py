#!/usr/bin/env python3
"""Lists the lowest provinces by asking the aggregator what it can be asked.

Needs grpcio and grpcio-reflection and no generated code: the messages come from the server.

    python3 -m venv venv && venv/bin/pip install -r deploy/examples/requirements.txt
    venv/bin/python deploy/examples/lowest.py --server 127.0.0.1:7400
    venv/bin/python deploy/examples/lowest.py --search "lai chau"
    venv/bin/python deploy/examples/lowest.py --server https://centre.example:7400 --tls-authorities authority.pem
    venv/bin/python deploy/examples/lowest.py --server https://centre.example:7400 --token-file tool.token
"""

import argparse
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

# Exit codes as those of the phuxanh command.
FAILED, UNREACHABLE = 1, 69
CALL_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5
# More is lowered to this by the server.
PAGE_SIZE_MAX = 1000


class Server:
    """An aggregator, called by the names of its services and methods."""

    def __init__(self, channel, token=None):
        self._channel = channel
        self._metadata = [("authorization", f"Bearer {token}")] if token else None
        self._pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))

    def call(self, service, method, **fields):
        """Sends one request; enum fields may be given by name."""
        found = self._pool.FindServiceByName(f"phuxanh.v1.{service}").FindMethodByName(method)
        request = GetMessageClass(found.input_type)
        response = GetMessageClass(found.output_type)
        send = self._channel.unary_unary(
            f"/phuxanh.v1.{service}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        return send(request(**fields), timeout=CALL_TIMEOUT_SECONDS, metadata=self._metadata)

    def pages(self, service, method, **fields):
        """Sends a request for each page until there is no other."""
        token = ""
        while True:
            page = self.call(service, method, page_token=token, **fields)
            yield page
            token = page.next_page_token
            if not token:
                return


def units(server):
    """Units of the indicators by id; that of a share is empty."""
    catalogue = server.call("CatalogueService", "GetCatalogue")
    return {indicator.id: indicator.unit for indicator in catalogue.indicators}


def origin(rollup):
    """Says so where a figure is not what reporters observed."""
    basis = rollup.DESCRIPTOR.fields_by_name["basis"].enum_type
    return {
        "BASIS_PUBLISHED": "  [published]",
        "BASIS_SYNTHETIC": "  [synthetic: made up to fit the published totals]",
    }.get(basis.values_by_number[rollup.basis].name, "")


def print_lowest(server, indicator, level, within, limit):
    """Prints the lowest localities, and how many have no rank."""
    pages = server.pages(
        "RankingService",
        "RankLocalities",
        indicator=indicator,
        level=f"LEVEL_{level.upper()}",
        within=within,
        order="ORDER_LOWEST",
        page_size=min(limit, PAGE_SIZE_MAX),
    )
    unit = units(server).get(indicator, "")
    left = limit
    for page in pages:
        if left == limit:
            print(f"{page.indicator} in {page.period}, lowest first")
        for row in page.rows[:left]:
            rollup = row.rollup
            value = f"{rollup.value:.2f} {unit}" if unit else f"{rollup.value:.2%}"
            parts = f"{rollup.numerator} of {rollup.denominator}"
            print(f"{row.rank:4}  {row.code:5}  {value:>9}  {parts:>16}  {row.name}{origin(rollup)}")
        left -= len(page.rows)
        if left <= 0:
            break
    print(f"without a rank: {page.unknown_count} unknown, {page.untested_count} untested")


def print_matches(server, text):
    """Prints every locality that bears a name."""
    for page in server.pages("LocalityService", "SearchLocalities", text=text):
        for match in page.matches:
            found = match.locality
            province = f", {found.province_name}" if found.province_name else ""
            print(f"{found.code:5}  {found.name}{province}")


def connect(server, authorities):
    """Opens a channel to HOST:PORT: with TLS for https:// or where a file of authorities is named."""
    address = server.removeprefix("http://").removeprefix("https://")
    if not authorities and not server.startswith("https://"):
        return address, grpc.insecure_channel(address)
    roots = None
    if authorities:
        with open(authorities, "rb") as file:
            roots = file.read()
    return address, grpc.secure_channel(address, grpc.ssl_channel_credentials(roots))


def read_token(path, server, authorities):
    """Reads the token of a file, if it may go to the server: over TLS, or within the machine."""
    host = server.removeprefix("http://").rsplit(":", 1)[0].strip("[]")
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    if not (authorities or server.startswith("https://") or is_local):
        raise OSError("a token goes over TLS only: use https:// in --server")
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def failed(code, message):
    print(f"lowest.py: {message}", file=sys.stderr)
    return code


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:7400", metavar="HOST:PORT")
    parser.add_argument(
        "--tls-authorities",
        default="",
        metavar="FILE",
        help="authorities of the server's certificate, in PEM; the system's with https:// alone",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="file with the token of the caller; for https://, or a server on this machine",
    )
    parser.add_argument("--indicator", default="green_coverage", metavar="ID")
    parser.add_argument("--level", choices=["province", "commune"], default="province")
    parser.add_argument("--within", default="", metavar="CODE", help="code of a province")
    parser.add_argument("--limit", type=int, default=10, metavar="N")
    parser.add_argument("--search", metavar="TEXT", help="find localities by name instead")
    arguments = parser.parse_args()
    if arguments.limit < 1:
        parser.error("--limit: expected at least 1")
    try:
        address, channel = connect(arguments.server, arguments.tls_authorities)
    except OSError as error:
        return failed(FAILED, f"--tls-authorities: {error}")
    token = None
    if arguments.token_file:
        try:
            token = read_token(arguments.token_file, arguments.server, arguments.tls_authorities)
        except (OSError, UnicodeDecodeError) as error:
            return failed(FAILED, f"--token-file: {error}")
    try:
        with channel:
            grpc.channel_ready_future(channel).result(timeout=CONNECT_TIMEOUT_SECONDS)
            server = Server(channel, token)
            if arguments.search:
                print_matches(server, arguments.search)
            else:
                print_lowest(
                    server,
                    arguments.indicator,
                    arguments.level,
                    arguments.within,
                    arguments.limit,
                )
    except grpc.FutureTimeoutError:
        return failed(UNREACHABLE, f"no aggregator answers at {address}: start one, or use --server")
    except grpc.RpcError as error:
        return failed(FAILED, f"{address} answered {error.code().name}: {error.details()}")
    except KeyError as error:
        return failed(FAILED, f"{address} is no aggregator of this version: {error.args[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
