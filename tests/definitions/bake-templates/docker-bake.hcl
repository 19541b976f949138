variable "NAMES" { default = ["a", "b"] }
variable "ON" { default = true }
target "default" {
  dockerfile-inline = <<-EOT
    FROM scratch
    %{ for n in NAMES ~}
    COPY ${n} /${n}
    %{ endfor ~}
    %{ if ON ~}
      ENV ON=1
    %{ else ~}
      ENV OFF=1
    %{ endif ~}
    CMD ["x"]
  EOT
  args = {
    inline = "%{ for i, n in NAMES }${i}=${n};%{ endfor }"
    cond = "a%{ if !ON }b%{ else }c%{ endif }d"
    strip = "a   ${~ "b" ~}   c"
    nested = "x${"y${"z"}"}"
    quoted = "${join(", ", [for n in NAMES : "\"${n}\""])}"
    dollar = "$x $$ $${a} %{ if true }%%{ endif }%{ endif }"
    multi = <<EOT
  first
    second ${ON}
EOT
    flush = <<-X

        deep
      less

        deep
    X
  }
}
