target "default" { secret = ["id=a,src=x"] }
