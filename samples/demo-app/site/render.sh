#!/bin/sh
# render.sh SOURCE TARGET: a page of HTML for each text file: its first line is the title, the rest the paragraphs.
set -eu
source=$1
target=$2
mkdir -p "$target"
for page in "$source"/pages/*.txt; do
  name=$(basename "$page" .txt)
  awk -v layout="$source/layout.html" '
    NR == 1 { title = $0; next }
    /^$/ { if (text != "") body = body "<p>" text "</p>\n"; text = ""; next }
    { gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); text = text $0 "\n" }
    END {
      if (text != "") body = body "<p>" text "</p>\n"
      while ((getline line < layout) > 0) {
        if (line ~ /@BODY@/) { printf "%s", body; continue }
        at = index(line, "@TITLE@")
        if (at) line = substr(line, 1, at - 1) title substr(line, at + 7)
        print line
      }
    }' "$page" >"$target/$name.html"
  echo "rendered $name.html"
done
cp "$source/style.css" "$target/"
