target "default" {
  args = {
    upper = upper("abc")
    lower = lower("ABC")
    title = title("hello big world")
    trim = trim("xxabcxx", "x")
    trimprefix = trimprefix("v1.2", "v")
    trimsuffix = trimsuffix("a.tar.gz", ".gz")
    trimspace = trimspace("  a b ")
    chomp = chomp("a\n\n")
    indent = indent(2, "a\nb")
    strlen = strlen("äöü")
    substr = substr("hello", 1, 3)
    substr_neg = substr("hello", -3, 2)
    substr_rest = substr("hello", 2, -1)
    reverse = reverse("abc")
    join = join("-", ["a", "b"], ["c"])
    split = join("|", split(",", "a,b,c"))
    replace = replace("a.b.c", ".", "_")
    basename = basename("/a/b/c.txt")
    dirname = dirname("/a/b/c.txt")
    basename2 = basename("a/")
    dirname2 = dirname("a")
    sanitize = sanitize("a/b:c.d-e_f")
    regex = regex("[0-9]+", "abc123def")
    regex_groups = join(",", regex("([a-z]+)([0-9]+)", "abc123"))
    regex_names = regex("(?P<major>[0-9]+)\\.(?P<minor>[0-9]+)", "v1.22").minor
    regexall = join(",", regexall("[0-9]", "a1b2c3"))
    regex_replace = regex_replace("abc123", "([a-z]+)([0-9]+)", "$2-$${1}-$1")
    escapes = "tab\tquote\"back\\u\u00e4 $${x} %%{y}"
  }
}
