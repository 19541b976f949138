target "default" {
  args = {
    add = add(1, 2.5)
    subtract = subtract(5, 7)
    multiply = multiply(3, 4)
    divide = divide(7, 2)
    modulo = modulo(7, 4)
    modneg = -7 % 4
    negate = negate(3)
    absolute = absolute(-3.5)
    ceil = ceil(1.2)
    floor = floor(-1.2)
    int = int(2.9)
    max = max(1, 5, 3)
    min = min([4, 2]...)
    signum = signum(-9)
    pow = pow(2, 10)
    log = log(8, 2)
    parseint = parseint("ff", 16)
    parseint2 = parseint("-101", 2)
    range = join(",", range(3))
    range2 = join(",", range(1, 10, 3))
    range3 = join(",", range(3, 0))
    big = 1000000 * 1000000
    decimal = 0.1 + 0.2
    exponent = 1.5e3
    text = "3" + 4
    precedence = 1 + 2 * 3 - 4 / 2
    compare = 1 < 2 && 2 <= 2 && 3 > 2 && !(3 >= 4) || false
    equal = 1 == 1 && "a" != "b" && [1] == [1] && {a=1} != {a=2}
    different = 1 == "1"
  }
}
