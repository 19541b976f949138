target "default" {
  args = {
    formatdate = formatdate("YYYY-MM-DD'T'hh:mm:ssZ", "2018-01-02T23:12:01Z")
    formatdate2 = formatdate("EEEE, DD-MMM-YY HH:mm AA ZZZ", "2018-01-02T23:12:01+02:30")
    formatdate3 = formatdate("D.M. h 'o''clock' aa", "2018-11-02T03:12:01Z")
    timeadd = timeadd("2017-11-22T00:00:00Z", "10m")
    timeadd2 = timeadd("2017-11-22T00:00:00Z", "-1h30m5s")
    formattimestamp = formattimestamp("YYYY", 1690328596)
    formattimestamp2 = formattimestamp("X", "2018-01-02T23:12:01Z")
    parse = unixtimestampparse(1690328596).rfc3339
    parse2 = unixtimestampparse(1690328596).iso_week
    parse3 = unixtimestampparse(1690328596).month_name
    semver = semvercmp("1.2.3", ">= 1.0, < 2.0")
    semver2 = semvercmp("2.0.0", "^1.2")
    semver3 = semvercmp("v1.4.5", "~1.4 || ^3")
    semver4 = semvercmp("1.2.3-beta", ">=1.2")
    semver5 = semvercmp("1.5.0", "1.2 - 1.6")
    semver6 = semvercmp("1.5.7", "1.5.x")
    semver7 = semvercmp("1.5.7", "<=1.5")
    semver8 = semvercmp("0.2.5", "^0.2.3")
  }
}
