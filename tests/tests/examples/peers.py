"""What the examples ask of other machines, on this one: web servers, and a port that answers.

    peers.py http=ADDRESS:FOLDER https=ADDRESS:FOLDER port=ADDRESS:NUMBER ...

Listens before it returns: whoever started it need not wait. A child serves until the host ends.
"""

import http.server
import os
import socket
import ssl
import sys
import threading


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def web(address, port, folder):
    """A web server that shows a folder."""
    server = http.server.ThreadingHTTPServer((address, port), lambda *a: Quiet(*a, directory=folder))
    if port == 443:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/srv/peers/cert.pem", "/srv/peers/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.serve_forever


def port(address, number):
    """A port that answers and says nothing."""
    listener = socket.create_server((address, number))

    def serve():
        while True:
            listener.accept()[0].close()

    return serve


serving = []
for word in sys.argv[1:]:
    kind, _, rest = word.partition("=")
    address, _, what = rest.partition(":")
    if kind == "port":
        serving.append(port(address, int(what)))
    else:
        serving.append(web(address, {"http": 80, "https": 443}[kind], what))

if os.fork():
    os._exit(0)
os.setsid()
quiet = os.open(os.devnull, os.O_RDWR)
for stream in range(3):
    os.dup2(quiet, stream)
for serve in serving:
    threading.Thread(target=serve).start()
