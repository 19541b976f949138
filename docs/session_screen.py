"""The screen of a terminal: takes what a program writes, and draws what then stands there as SVG."""
import copy
import re
from html import escape

PALETTE = ["#3b4252", "#e06c75", "#8fbc6f", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
           "#6b7385", "#ff7b86", "#a8d98a", "#f2d38b", "#7cc0ff", "#d896ea", "#6fd0dc", "#ffffff"]
FOREGROUND, BACKGROUND = "#d8dee9", "#1e2229"
SEQUENCE = re.compile(rb"\x1b(?:\[([0-?]*)([ -/]*)([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)|[()][0-9A-Za-z]|([0-Z\\-~]))")
PLAIN = (None, None, False, False)


def colour(number):
    if number < 16:
        return PALETTE[number]
    if number >= 232:
        return "#%02x%02x%02x" % ((8 + 10 * (number - 232),) * 3)
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return "#%02x%02x%02x" % (levels[number // 36], levels[number // 6 % 6], levels[number % 6])


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [self.blank() for _ in range(rows)]
        self.row = self.column = 0
        self.saved = (0, 0)
        self.style = PLAIN
        self.rest = b""

    def blank(self):
        return [(" ", PLAIN)] * self.columns

    def copy(self):
        return copy.deepcopy(self)

    def text(self):
        return "\n".join("".join(cell[0] for cell in line).rstrip() for line in self.cells).rstrip("\n")

    def feed(self, data):
        """Takes bytes that a program wrote; gives what a terminal answers."""
        answers = []
        data = self.rest + data
        at = 0
        while at < len(data):
            if data[at] == 0x1b:
                match = SEQUENCE.match(data, at)
                if not match:
                    if len(data) - at < 64:
                        break
                    at += 1
                    continue
                at = match.end()
                answers += self.control(match)
                continue
            if data[at] < 0x20 or data[at] == 0x7f:
                self.character(data[at])
                at += 1
                continue
            end = at
            while end < len(data) and data[end] >= 0x20 and data[end] != 0x7f:
                end += 1
            piece = data[at:end]
            try:
                text = piece.decode()
            except UnicodeDecodeError as error:
                if end < len(data) or len(piece) - error.start > 3:
                    text = piece.decode(errors="replace")
                else:
                    # A character whose last bytes are still to come.
                    text = piece[:error.start].decode()
                    end = at + error.start
            for letter in text:
                self.put(letter)
            if end == at:
                break
            at = end
            if end < len(data) and data[end] >= 0x80:
                break
        self.rest = data[at:]
        return answers

    def put(self, letter):
        if self.column >= self.columns:
            self.column = 0
            self.down()
        self.cells[self.row][self.column] = (letter, self.style)
        self.column += 1

    def down(self):
        if self.row == self.rows - 1:
            self.cells = self.cells[1:] + [self.blank()]
        else:
            self.row += 1

    def character(self, code):
        if code == 0x0a:
            self.down()
        elif code == 0x0d:
            self.column = 0
        elif code == 0x08:
            self.column = max(0, self.column - 1)
        elif code == 0x09:
            self.column = min(self.columns - 1, (self.column // 8 + 1) * 8)

    def control(self, match):
        plain = match.group(5)
        if plain == b"7":
            self.saved = (self.row, self.column)
        elif plain == b"8":
            self.row, self.column = self.saved
        elif plain == b"M":
            self.row = max(0, self.row - 1)
        final = match.group(3)
        if final is None or match.group(1).startswith((b"?", b">", b"=")):
            return []
        numbers = [int(number) if number else 0 for number in match.group(1).replace(b":", b";").split(b";")]
        count = max(1, numbers[0])
        key = final.decode()
        if key == "n" and numbers[0] == 6:
            return [b"\x1b[%d;%dR" % (self.row + 1, min(self.column, self.columns - 1) + 1)]
        if key == "c":
            return [b"\x1b[?62c"]
        if key == "m":
            self.paint(numbers)
        elif key == "A":
            self.row = max(0, self.row - count)
        elif key == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif key == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif key == "D":
            self.column = max(0, self.column - count)
        elif key == "E":
            self.row, self.column = min(self.rows - 1, self.row + count), 0
        elif key == "F":
            self.row, self.column = max(0, self.row - count), 0
        elif key == "G":
            self.column = min(self.columns, count) - 1
        elif key == "d":
            self.row = min(self.rows, count) - 1
        elif key in "Hf":
            self.row = min(self.rows, count) - 1
            self.column = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif key == "s":
            self.saved = (self.row, self.column)
        elif key == "u":
            self.row, self.column = self.saved
        elif key in "JK":
            self.erase(key, numbers[0])
        elif key == "X":
            for column in range(self.column, min(self.columns, self.column + count)):
                self.cells[self.row][column] = (" ", PLAIN)
        elif key == "P":
            line = self.cells[self.row]
            del line[self.column:self.column + count]
            line += [(" ", PLAIN)] * (self.columns - len(line))
        elif key == "L":
            for _ in range(count):
                self.cells.insert(self.row, self.blank())
                self.cells.pop()
        elif key == "M":
            for _ in range(count):
                del self.cells[self.row]
                self.cells.append(self.blank())
        return []

    def erase(self, key, mode):
        line = self.cells[self.row]
        start, end = {0: (self.column, self.columns), 1: (0, self.column + 1)}.get(mode, (0, self.columns))
        line[start:end] = [(" ", PLAIN)] * (min(end, self.columns) - start)
        if key == "J":
            rows = {0: range(self.row + 1, self.rows), 1: range(self.row)}.get(mode, range(self.rows))
            for row in rows:
                self.cells[row] = self.blank()

    def paint(self, numbers):
        fore, back, bold, reverse = self.style
        index = 0
        while index < len(numbers):
            number = numbers[index]
            if number == 0:
                fore, back, bold, reverse = PLAIN
            elif number in (1, 22):
                bold = number == 1
            elif number in (7, 27):
                reverse = number == 7
            elif 30 <= number <= 37 or 90 <= number <= 97:
                fore = PALETTE[number - 30 if number < 90 else number - 82]
            elif 40 <= number <= 47 or 100 <= number <= 107:
                back = PALETTE[number - 40 if number < 100 else number - 92]
            elif number == 39:
                fore = None
            elif number == 49:
                back = None
            elif number in (38, 48):
                rest = numbers[index + 1:]
                if rest[:1] == [5]:
                    value, index = colour(rest[1]), index + 2
                else:
                    value, index = "#%02x%02x%02x" % tuple(rest[1:4]), index + 4
                fore, back = (value, back) if number == 38 else (fore, value)
            index += 1
        self.style = (fore, back, bold, reverse)


def runs(line):
    """The pieces of a line that look the same: where they begin, their text and their style."""
    start = 0
    for column in range(1, len(line) + 1):
        if column == len(line) or line[column][1] != line[start][1]:
            yield start, "".join(cell[0] for cell in line[start:column]), line[start][1]
            start = column


def render(screens):
    """One picture of several screens, one below the other, each without the empty lines at its end."""
    width, height, margin, size = 8.4, 19, 14, 14
    shapes, y = [], margin
    for screen in screens:
        lines = screen.text().split("\n")
        if y > margin:
            y += height / 2
            shapes.append(f'<line x1="0" y1="{y:g}" x2="{screen.columns * width + 2 * margin:g}" y2="{y:g}" stroke="#3b4252"/>')
            y += height / 2
        for row in range(len(lines)):
            for column, text, (fore, back, bold, reverse) in runs(screen.cells[row]):
                if reverse:
                    fore, back = back or BACKGROUND, fore or FOREGROUND
                x, length = margin + column * width, len(text) * width
                if back:
                    shapes.append(f'<rect x="{x:g}" y="{y:g}" width="{length:g}" height="{height}" fill="{back}"/>')
                stripped = text.rstrip()
                lead = len(stripped) - len(stripped.lstrip())
                stripped = stripped.lstrip()
                if stripped:
                    weight = ' font-weight="bold"' if bold else ""
                    shapes.append(f'<text x="{x + lead * width:g}" y="{y + size:g}" textLength="{len(stripped) * width:g}" '
                                  f'lengthAdjust="spacingAndGlyphs" fill="{fore or FOREGROUND}"{weight}>{escape(stripped)}</text>')
            y += height
    total = max(screen.columns for screen in screens) * width + 2 * margin
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:g} {y + margin:g}" width="{total:g}" height="{y + margin:g}" '
            f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="{size}" xml:space="preserve">\n'
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n' + "\n".join(shapes) + "\n</svg>\n")
