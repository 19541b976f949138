using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Formats values by verbs: <c>%s</c>, <c>%5.2f</c>, <c>%-10q</c>, <c>%[2]d</c>, …</summary>
internal static class FormatFunction
{
    private const int MostWidth = 1000;

    public static string Format(HclCall call, string format, IReadOnlyList<HclValue> values)
    {
        StringBuilder text = new();
        int next = 0;
        int highest = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            Verb verb = Read(call, format, ref i, ref next);
            if (verb.Letter == '%')
            {
                text.Append('%');
                continue;
            }

            if (next >= values.Count)
            {
                throw call.Refuse($"the format requires {next + 1} values, but there are {values.Count}.");
            }

            text.Append(Apply(call, verb, values[next]));
            highest = Math.Max(highest, ++next);
        }

        return highest < values.Count ? throw call.Refuse($"the format requires {highest} values, but there are {values.Count}.") : text.ToString();
    }

    public static HclValue FormatList(HclCall call)
    {
        string format = call.Takes(1, int.MaxValue).Text(0);
        IReadOnlyList<HclValue> given = [.. call.Values.Skip(1)];
        int? count = null;
        foreach (HclValue list in given.Where(static v => v.IsSequence))
        {
            count = count is null || count == list.Count ? list.Count : throw call.Refuse("the lists do not have the same number of elements.");
        }

        return call.Made(Enumerable.Range(0, count ?? 1).Select(i => call.Made(Format(call, format, [.. given.Select(v => v.IsSequence ? v.Items[i] : v)]))));
    }

    private static Verb Read(HclCall call, string format, ref int i, ref int next)
    {
        int start = i++;
        string flags = string.Empty;
        while (i < format.Length && format[i] is ' ' or '+' or '-' or '#' or '0')
        {
            flags += format[i++];
        }

        int? width = Digits(format, ref i);
        int? precision = null;
        if (i < format.Length && format[i] == '.')
        {
            i++;
            precision = Digits(format, ref i) ?? 0;
        }

        if (i < format.Length && format[i] == '[')
        {
            i++;
            int? index = Digits(format, ref i);
            if (index is null or 0 || i >= format.Length || format[i] != ']')
            {
                throw call.Refuse($"'{format[start..Math.Min(i + 1, format.Length)]}' in the format is not a valid argument index.");
            }

            next = index.Value - 1;
            i++;
        }

        if (i >= format.Length)
        {
            throw call.Refuse("the format ends within a verb.");
        }

        return width > MostWidth || precision > MostWidth
            ? throw call.Refuse($"a width or precision must be at most {MostWidth}.")
            : new Verb(format[i], flags, width, precision, format[start..(i + 1)]);
    }

    private static int? Digits(string format, ref int i)
    {
        int start = i;
        while (i < format.Length && char.IsAsciiDigit(format[i]))
        {
            i++;
        }

        return i == start ? null : int.TryParse(format.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private static string Apply(HclCall call, Verb verb, HclValue value)
    {
        HclPosition position = call.Position;
        string text = verb.Letter switch
        {
            'v' when verb.Flags.Contains('#', StringComparison.Ordinal) => Json(call, value),
            'v' when value.IsNull => "null",
            'v' when value.Kind == HclKind.Number => Signed(verb, Real(verb with { Letter = 'g' }, value.Number)),
            'v' => HclConversion.TryText(value) ?? Json(call, value),
            _ when value.IsNull => throw call.Refuse($"the value of '{verb.Text}' is null."),
            's' => Cut(verb, HclConversion.ToText(value, position)),
            'q' => Json(call, HclValue.From(Cut(verb, HclConversion.ToText(value, position)))),
            't' => HclConversion.ToBool(value, position) ? "true" : "false",
            'd' => Signed(verb, decimal.Truncate(HclConversion.ToNumber(value, position)).ToString("0", CultureInfo.InvariantCulture)),
            'b' or 'o' or 'x' or 'X' => Based(call, verb, HclConversion.ToNumber(value, position)),
            'e' or 'E' or 'f' or 'F' or 'g' or 'G' => Signed(verb, Real(verb, HclConversion.ToNumber(value, position))),
            _ => throw call.Refuse($"the verb '{verb.Text}' in the format is unknown."),
        };
        if (verb.Width is not { } width || text.Length >= width)
        {
            return text;
        }

        if (verb.Flags.Contains('-', StringComparison.Ordinal))
        {
            return text.PadRight(width);
        }

        if (!verb.Flags.Contains('0', StringComparison.Ordinal))
        {
            return text.PadLeft(width);
        }

        int sign = text.StartsWith('-') || text.StartsWith('+') ? 1 : 0;
        return text[..sign] + text[sign..].PadLeft(width - sign, '0');
    }

    private static string Json(HclCall call, HclValue value) => EncodingFunctions.Json(call, value);

    private static string Cut(Verb verb, string text) => verb.Precision is { } most && new StringInfo(text) is { } info && info.LengthInTextElements > most ? info.SubstringByTextElements(0, most) : text;

    private static string Signed(Verb verb, string number) => number.StartsWith('-') ? number
        : verb.Flags.Contains('+', StringComparison.Ordinal) ? "+" + number
        : verb.Flags.Contains(' ', StringComparison.Ordinal) ? " " + number : number;

    private static string Based(HclCall call, Verb verb, decimal number)
    {
        decimal whole = decimal.Truncate(number);
        if (Math.Abs(whole) > long.MaxValue)
        {
            throw call.Refuse($"the number is too large for '{verb.Text}'.");
        }

        long size = (long)Math.Abs(whole);
        string digits = verb.Letter switch
        {
            'b' => Convert.ToString(size, 2),
            'o' => Convert.ToString(size, 8),
            'x' => size.ToString("x", CultureInfo.InvariantCulture),
            _ => size.ToString("X", CultureInfo.InvariantCulture),
        };
        return Signed(verb, (whole < 0 ? "-" : "") + digits);
    }

    private static string Real(Verb verb, decimal number)
    {
        switch (verb.Letter)
        {
            case 'f' or 'F':
                int places = verb.Precision ?? 6;
                return decimal.Round(number, Math.Min(places, 28), MidpointRounding.ToEven).ToString("F" + places.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            case 'e' or 'E':
                return Exponent(number.ToString(verb.Letter + (verb.Precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
            default:
                // The shortest form, with an exponent when the number is very large or very small.
                string plain = HclValue.NumberText(number);
                int size = number == 0 ? 0 : (int)Math.Floor(Math.Log10((double)Math.Abs(number)));
                return size is < -4 or >= 21 ? Exponent(((double)number).ToString("0.################" + (verb.Letter == 'G' ? "E+00" : "e+00"), CultureInfo.InvariantCulture)) : plain;
        }
    }

    // Go writes at least two exponent digits, .NET three.
    private static string Exponent(string text)
    {
        int mark = text.LastIndexOfAny(['e', 'E']);
        string digits = text[(mark + 2)..].TrimStart('0').PadLeft(2, '0');
        return text[..(mark + 2)] + digits;
    }

    private sealed record Verb(char Letter, string Flags, int? Width, int? Precision, string Text);
}
