target "default" {
  args = {
    base64 = base64encode("häl<lo")
    base64d = base64decode("aGVsbG8=")
    urlencode = urlencode("a b&c=d/é~")
    json = jsonencode({ a = [1, true, null, "q\"<&>"], b = { c = 1.5 } })
    jsond = jsondecode("{\"a\":[1,{\"b\":\"x\"}]}").a[1].b
    csv = csvdecode("a,b\n1,2\n3,\"4,5\"")[1].b
    md5 = md5("x")
    sha1 = sha1("x")
    sha256 = sha256("x")
    sha512 = sha512("x")
    uuid5 = uuidv5("dns", "example.org")
    cidrhost = cidrhost("10.12.127.0/20", 268)
    cidrnetmask = cidrnetmask("172.16.0.0/12")
    cidrsubnet = cidrsubnet("172.16.0.0/12", 4, 2)
    cidrsubnets = join(",", cidrsubnets("10.1.0.0/16", 4, 4, 8))
    cidr6 = cidrhost("fd00:fd12:3456:7890::/56", 34)
    format = format("%s %d %5.1f|%-5s|%05d|%q|%v|%t|%x|%%|%+d", "a", 3, 2.25, "l", 42, "q", true, false, 255, 7)
    formatindex = format("%[2]s-%[1]s", "a", "b")
    formatlist = join(",", formatlist("%s-%d", ["a", "b"], [1, 2]))
    formatlist1 = join(",", formatlist("%s.%s", ["a", "b"], "x"))
  }
}
