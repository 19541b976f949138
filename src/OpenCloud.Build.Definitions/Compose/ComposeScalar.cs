using System.Globalization;
using System.Numerics;

namespace OpenCloud.Build.Definitions.Compose;

/// <summary>Interprets plain YAML scalars; numbers are reformatted as docker compose does.</summary>
internal static class ComposeScalar
{
    public static bool IsNull(string text) => text is "" or "~" or "null" or "Null" or "NULL";

    public static bool? ToBool(string text) => text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    public static string ToText(string text) =>
        IsNull(text) ? string.Empty : ToBool(text) is { } truth ? (truth ? "true" : "false") : Number(text) ?? text;

    private static string? Number(string text)
    {
        string plain = text.Replace("_", string.Empty, StringComparison.Ordinal);
        string digits = plain.TrimStart('-', '+');
        if (digits.Length == 0 || plain.Length - digits.Length > 1 || !(char.IsAsciiDigit(digits[0]) || digits[0] == '.') || digits.Length > 400)
        {
            return null;
        }

        bool isNegative = plain[0] == '-';
        BigInteger? whole = Whole(digits);
        if (whole is { } number && number <= ulong.MaxValue)
        {
            return (isNegative ? -number : number).ToString(CultureInfo.InvariantCulture);
        }

        const NumberStyles Styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingSign;
        return digits.All(static c => char.IsAsciiDigit(c) || c is '.' or 'e' or 'E' or '-' or '+') && double.TryParse(plain, Styles, CultureInfo.InvariantCulture, out double real)
            ? Real(real)
            : null;
    }

    private static BigInteger? Whole(string digits)
    {
        int radix = 10;
        string rest = digits;
        if (digits.Length > 1 && digits[0] == '0')
        {
            (radix, rest) = char.ToLowerInvariant(digits[1]) switch
            {
                'x' => (16, digits[2..]),
                'b' => (2, digits[2..]),
                'o' => (8, digits[2..]),
                _ => (8, digits[1..]),
            };
        }

        BigInteger number = 0;
        foreach (char c in rest)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix)
            {
                return null;
            }

            number = (number * radix) + digit;
        }

        return rest.Length == 0 ? null : number;
    }

    // The shortest digits that round-trip; an exponent from 1e21 on and below 0.0001.
    private static string Real(double number)
    {
        if (double.IsInfinity(number))
        {
            return number > 0 ? "+Inf" : "-Inf";
        }

        string shortest = number.ToString("E16", CultureInfo.InvariantCulture);
        int exponent = int.Parse(shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (number == 0 || (exponent >= -4 && exponent < 21))
        {
            string plain = number.ToString("R", CultureInfo.InvariantCulture);
            return plain.Contains('E', StringComparison.Ordinal) ? ((decimal)number).ToString(CultureInfo.InvariantCulture) : plain == "-0" ? "-0" : plain;
        }

        string round = number.ToString("R", CultureInfo.InvariantCulture);
        int mark = round.IndexOf('E', StringComparison.Ordinal);
        string mantissa = mark < 0 ? round : round[..mark];
        string sign = exponent < 0 ? "-" : "+";
        return $"{mantissa}e{sign}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
    }
}
