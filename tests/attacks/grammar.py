"""Request lines, field lines, Host and targets (RFC 9112 2, 3 and 5): P5 and P20."""
from attack import EVIL, FORWARD, REVERSE, either, get, passed, refused


def line(name, start, *statuses, **more):
    return refused(f"request line: {name}", start + b"\r\nHost: <H>\r\n\r\n" + EVIL, *(statuses or (400,)), **more)


def fields(name, lines, *statuses, **more):
    return refused(f"field line: {name}", b"GET <U> HTTP/1.1\r\nHost: <H>\r\n" + lines + b"\r\n" + EVIL, *(statuses or (400,)), **more)


def host(name, lines, *statuses, **more):
    return refused(f"P5 Host {name}", b"GET <U> HTTP/1.1\r\n" + lines + b"\r\n" + EVIL, *(statuses or (400,)), **more)


def target(name, text, *statuses, host=b"<H>", method=b"GET", **more):
    return refused(f"P5 target: {name}", method + b" " + text + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" + EVIL, *(statuses or (400,)), **more)


REQUEST_LINES = [
    line("two spaces before the target", b"GET  <U> HTTP/1.1"), line("two spaces before the version", b"GET <U>  HTTP/1.1"),
    line("a space at the end", b"GET <U> HTTP/1.1 "), line("a tab", b"GET\t<U>\tHTTP/1.1"), line("a tab in the target", b"GET <U>\tx HTTP/1.1"),
    line("a space in the target", b"GET <U> x HTTP/1.1"), line("a leading space", b" GET <U> HTTP/1.1"), line("no version", b"GET <U>"),
    line("HTTP/0.9", b"GET <U>"), line("no target", b"GET HTTP/1.1"), line("an empty target", b"GET  HTTP/1.1"),
    line("version in lower case", b"GET <U> http/1.1"), line("version without minor", b"GET <U> HTTP/1", 400, 505),
    line("version with zeros", b"GET <U> HTTP/01.1", 400, 505), line("version with three digits", b"GET <U> HTTP/1.10", 400, 505),
    line("version with a comma", b"GET <U> HTTP/1,1"), line("version with an inner space", b"GET <U> HTTP/ 1.1"),
    line("version 2.0", b"GET <U> HTTP/2.0", 505), line("version 3", b"GET <U> HTTP/3", 400, 505), line("version 0.9", b"GET <U> HTTP/0.9", 400, 505),
    line("version 9.9", b"GET <U> HTTP/9.9", 505), line("another protocol", b"GET <U> RTSP/1.0"), line("version without digits", b"GET <U> HTTP/x.y"),
    line("NUL in the method", b"G\x00T <U> HTTP/1.1"), line("NUL in the target", b"GET <U>\x00 HTTP/1.1"), line("NUL in the version", b"GET <U> HTTP/1.\x001"),
    line("bare CR", b"GET <U>\r HTTP/1.1"), line("CR CR LF", b"GET <U> HTTP/1.1\r"), line("a control byte", b"GET <U>\x01 HTTP/1.1"),
    line("DEL in the target", b"GET <U>\x7f HTTP/1.1"), line("a method with a colon", b"GE:T <U> HTTP/1.1"), line("a method with a slash", b"GE/T <U> HTTP/1.1"),
    line("a method in quotes", b'"GET" <U> HTTP/1.1'), line("a method in brackets", b"(GET) <U> HTTP/1.1"), line("an empty method", b" <U> HTTP/1.1"),
    line("a method with a high byte", b"G\xc9T <U> HTTP/1.1"), line("a long method", b"M" * 300 + b" <U> HTTP/1.1", 400, 501),
    line("a method without end", b"M" * 20000, 400, 414, 431, 501), line("a target without end", b"GET <B>/" + b"a" * 70000, 414),
    line("a long target", b"GET <B>/" + b"a" * 9000 + b" HTTP/1.1", 414), line("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 400, 505),
    line("binary", bytes(range(128, 200)), 400), line("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    refused("request line: LF alone", b"GET <U> HTTP/1.1\nHost: <H>\n\n" + EVIL), refused("request line: LF alone, CRLF after", b"GET <U> HTTP/1.1\nHost: <H>\r\n\r\n"),
    refused("request line: CR alone", b"GET <U> HTTP/1.1\rHost: <H>\r\r", ends=True), refused("empty lines with LF alone", b"\n\n" + get()),
    refused("empty lines without end", b"\r\n" * 9000), refused("a head that is cut off", b"GET <U> HTTP/1.1\r\nHost: <H>\r\n", ends=True),
    refused("a request line that is cut off", b"GET <U", ends=True),
    passed("an empty line before the request", b"\r\n" + get(), closes=False),
    either("HTTP/1.2", get(version=b"HTTP/1.2"), 200, 505), either("a method in lower case", get(method=b"get"), 200, 400, 405, 501),
    passed("an unknown method", get(method=b"FROB")),
]

FIELD_LINES = [
    fields("a space before the colon", b"X-A : b\r\n"), fields("a tab before the colon", b"X-A\t: b\r\n"), fields("no colon", b"X-A\r\n"),
    fields("an empty name", b": b\r\n"), fields("a space for a name", b" : b\r\n"), fields("a folded value", b"X-A: b\r\n c\r\n"),
    fields("a value folded with a tab", b"X-A: b\r\n\tc\r\n"), fields("a folded empty line", b"X-A: b\r\n \r\n"), fields("white space alone", b"   \r\n"),
    fields("a space in the name", b"X A: b\r\n"), fields("a name in brackets", b"X(A): b\r\n"), fields("a name with a slash", b"X/A: b\r\n"),
    fields("a name with an at sign", b"X@A: b\r\n"), fields("a name with a high byte", b"X\xe9: b\r\n"), fields("a name in quotes", b'"X": b\r\n'),
    fields("NUL in the name", b"X\x00A: b\r\n"), fields("NUL in the value", b"X-A: b\x00c\r\n"), fields("BEL in the value", b"X-A: \x07\r\n"),
    fields("DEL in the value", b"X-A: \x7f\r\n"), fields("ESC in the value", b"X-A: \x1b[31m\r\n"), fields("a vertical tab in the value", b"X-A: \x0bb\r\n"),
    fields("a bare CR in the value", b"X-A: b\rX-B: c\r\n"), fields("a bare CR at the end", b"X-A: b\r\r\n"), fields("LF alone", b"X-A: b\nX-B: c\r\n"),
    fields("LF alone at the end of the head", b"X-A: b\r\n\n"), fields("a bare CR before the name", b"\rX-A: b\r\n"),
    fields("a long name", b"X" * 9000 + b": b\r\n", 400, 431), fields("a long value", b"X-A: " + b"b" * 9000 + b"\r\n", 431),
    fields("a value without end", b"X-A: " + b"b" * 100000 + b"\r\n", 431), fields("many lines", b"X-A: b\r\n" * 200, 431),
    fields("much in all", b"".join(b"X-%d: %s\r\n" % (i, b"y" * 700) for i in range(30)), 431), fields("a cookie with NUL", b"Cookie: a=\x00\r\n"),
    refused("field line: white space before the first", b"GET <U> HTTP/1.1\r\n Host: <H>\r\n\r\n" + EVIL),
    refused("field line: white space before the first, Host after", b"GET <U> HTTP/1.1\r\n X: y\r\nHost: <H>\r\n\r\n" + EVIL),
    fields("Connection with thousands of options", b"Connection: " + b",".join([b"aa"] * 2000) + b"\r\n"),
    fields("Expect that nobody can meet", b"Expect: a-miracle\r\n", 417),
    passed("field line: high bytes in the value", get(b"X-A: caf\xc3\xa9"), closes=False),
    passed("field line: an empty value", get(b"X-A:"), closes=False),
    passed("field line: X_Forwarded_For is dropped", get(b"X_Forwarded_For: 6.6.6.6"), hidden=(b"6.6.6.6",), closes=False),
    passed("field line: Proxy is dropped", get(b"Proxy: http://6.6.6.6/"), hidden=(b"6.6.6.6",), closes=False),
    passed("field line: Proxy-Connection is dropped", get(b"Proxy-Connection: keep-alive"), hidden=(b"proxy-connection",), closes=False),
    passed("field line: Proxy-Authorization is dropped", get(b"Proxy-Authorization: Basic c2VjcmV0"), hidden=(b"c2VjcmV0",), closes=False),
    passed("field line: what Connection nominates is dropped", get(b"Connection: X-Secret", b"X-Secret: s3cret"), hidden=(b"s3cret",), closes=False),
    passed("field line: TE and Keep-Alive are dropped", get(b"TE: trailers, gzip", b"Keep-Alive: timeout=9"), hidden=(b"gzip", b"timeout=9"), closes=False),
    passed("Connection cannot take Host away", get(b"Connection: Host"), closes=False),
    *[passed(f"Connection cannot take {name} away", get(f"Connection: x, {name}".encode(), f"{name}: {value}".encode()), 200, 206, closes=False, shown=(value.encode(),))
      for name, value in (("Cache-Control", "no-store, x-seen"), ("Authorization", "Basic c2Vlbg=="), ("Cookie", "seen=1"), ("Range", "bytes=0-0"), ("Max-Forwards", "77"),
                          ("CDN-Loop", "seen.test"), ("Content-Type", "seen/this"), ("If-Match", '"seen"'))],
]

HOSTS = [
    host("missing", b""), host("empty", b"Host:\r\n"), host("twice", b"Host: <H>\r\nHost: <H>\r\n"), host("twice, different", b"Host: <H>\r\nHost: evil.test\r\n"),
    host("twice, in another case", b"Host: <H>\r\nhOST: evil.test\r\n"), host("list", b"Host: <H>, evil.test\r\n"), host("list without space", b"Host: a.test,evil.test\r\n"),
    host("with userinfo", b"Host: user@<H>\r\n"), host("with a path", b"Host: <H>/evil\r\n"), host("with a query", b"Host: <H>?evil\r\n"),
    host("with a fragment", b"Host: <H>#evil\r\n"), host("with a scheme", b"Host: http://<H>\r\n"), host("with a space", b"Host: a b\r\n"),
    host("with a tab", b"Host: a\tb\r\n"), host("with a port that is no number", b"Host: a.test:x\r\n"), host("with port 0", b"Host: a.test:0\r\n"),
    host("with port 65536", b"Host: a.test:65536\r\n"), host("with a port of many digits", b"Host: a.test:000000000000000000080000000000000000\r\n"),
    host("with a negative port", b"Host: a.test:-80\r\n"), host("with two ports", b"Host: a.test:80:80\r\n"), host("of a port alone", b"Host: :80\r\n"),
    host("with a plus in the port", b"Host: a.test:+80\r\n"), host("with an empty label", b"Host: a..test\r\n"), host("with two dots at the end", b"Host: a.test..\r\n"),
    host("of a dot", b"Host: .\r\n"), host("with a leading dot", b"Host: .a.test\r\n"), host("with a backslash", b"Host: a.test\\evil\r\n"),
    host("percent-encoded", b"Host: a%2etest\r\n"), host("with NUL", b"Host: a.test\x00.evil\r\n"), host("with a high byte", b"Host: \xe4.test\r\n"),
    host("with markup", b"Host: <script>\r\n"), host("with a quote", b"Host: a'.test\r\n"), host("with a double quote", b'Host: a".test\r\n'),
    host("with a semicolon", b"Host: a.test;evil\r\n"), host("with an open bracket", b"Host: [::1\r\n"), host("with a bad IPv6 address", b"Host: [::1::2]\r\n"),
    host("with an IPv6 zone", b"Host: [fe80::1%25eth0]\r\n"), host("with an IPv6 address without brackets", b"Host: ::1\r\n"),
    host("with bytes after the bracket", b"Host: [::1]x\r\n"), host("with a future IP version", b"Host: [v1.x]\r\n"), host("beyond 255 bytes", b"Host: " + b"a" * 300 + b"\r\n"),
    host("folded", b"Host:\r\n <H>\r\n"), host("with a space before the colon", b"Host : <H>\r\n"),
    refused("P5 Host missing, nominated by Connection", b"GET <U> HTTP/1.1\r\nConnection: host\r\n\r\n" + EVIL),
    refused("P5 Host twice on HTTP/1.0", b"GET <U> HTTP/1.0\r\nHost: <H>\r\nHost: <H>\r\n\r\n"),
    passed("P5 Host in upper case, with a dot and a port", b"GET <U> HTTP/1.1\r\nHost: OK.TEST.:80\r\n\r\n", listeners=REVERSE, closes=False),
    passed("P5 Host of an IPv6 address", b"GET <U> HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", listeners=REVERSE, closes=False),
]

TARGETS = [
    target("a fragment", b"<U>#x"), target("no slash", b"evil"), target("an asterisk with GET", b"*"), target("a host alone", b"evil.test"),
    target("authority-form with GET", b"evil.test:80"), target("a scheme with one slash", b"http:/evil.test/"), target("a scheme alone", b"http:"),
    target("no authority", b"http:///x"), target("an empty authority with a port", b"http://:80/x"), target("userinfo", b"http://user@<A>/x", host=b"<A>"),
    target("userinfo with a password", b"http://u:p@<A>/x", host=b"<A>"), target("empty userinfo", b"http://@<A>/x", host=b"<A>"),
    target("userinfo that looks like the host", b"http://<A>@evil.test/", host=b"<A>"), target("another Host", b"http://evil.test/x"),
    target("another Host, the other way", b"http://<A>/x", host=b"evil.test"), target("a Host with another port", b"http://a.test:81/", host=b"a.test:82"),
    target("an empty Host", b"http://a.test/x", host=b""), target("ftp", b"ftp://a.test/x", 400, 403, 501, host=b"a.test"),
    target("file", b"file:///etc/passwd", 400, 403, 501), target("javascript", b"javascript:alert(1)"), target("an unknown scheme", b"x://a.test/", 400, 501, host=b"a.test"),
    target("https where it is not served", b"https://a.test/x", 400, 421, 501, host=b"a.test"), target("a port that is no number", b"http://a.test:x/", host=b"a.test"),
    target("port 0", b"http://a.test:0/", host=b"a.test"), target("port 65536", b"http://a.test:65536/", host=b"a.test"),
    target("a backslash after the scheme", b"http:\\\\a.test/x", host=b"a.test"), target("a backslash in the authority", b"http://a.test\\@evil.test/x", host=b"a.test"),
    target("a percent-encoded authority", b"http://a%2etest/x", host=b"a.test"), target("a space in the authority", b"http://a .test/x", host=b"a.test"),
    target("a high byte", b"<U>\xe9"), target("overlong UTF-8", b"<B>/\xc0\xaf"), target("a backslash", b"<B>/a\\b"), target("markup in the path", b"<B>/<b>"),
    target("a double quote in the path", b'<B>/a"b'), target("an encoded NUL", b"<B>/a%00b"), target("an asterisk with POST", b"*", method=b"POST"),
    target("a fragment with OPTIONS", b"*#x", method=b"OPTIONS"),
    passed("P5 absolute target and the same Host in another form", b"GET HTTP://<A><P> HTTP/1.1\r\nHost: <A>\r\n\r\n", closes=False),
    passed("P5 a query with all that browsers send", b"GET <U>?a=\"<>{}|\\^`[] HTTP/1.1\r\nHost: <H>\r\n\r\n", closes=False),
    passed("P5 dots and encodings stay as they are", b"GET <B>/a/..%2f%2e%2e/./x%41 HTTP/1.1\r\nHost: <H>\r\n\r\n", closes=False, only=("/a/..%2f%2e%2e/./x%41",)),
    passed("P5 an absolute target without a path", b"GET http://<A> HTTP/1.1\r\nHost: <A>\r\n\r\n", closes=False, only=("/",)),
    passed("P5 an absolute target with a query alone", b"GET http://<A>?x HTTP/1.1\r\nHost: <A>\r\n\r\n", closes=False, only=("/?x",)),
    passed("P5 two slashes stay as they are", b"GET <B>//evil.test/x HTTP/1.1\r\nHost: <H>\r\n\r\n", closes=False, only=("//evil.test/x",)),
    refused("P20 origin-form on a forward listener", b"GET /x HTTP/1.1\r\nHost: <H>\r\n\r\n" + EVIL, listeners=FORWARD),
    refused("P20 CONNECT on a reverse listener", b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n" + EVIL, 400, 403, 405, 501, listeners=REVERSE),
]

ATTACKS = REQUEST_LINES + FIELD_LINES + HOSTS + TARGETS
