using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Times are RFC 3339 strings or seconds since 1970.</summary>
internal static class TimeFunctions
{
    private static readonly string[] Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["timestamp"] = static c => c.Takes(0).Made(Text(DateTimeOffset.UtcNow));
        all["timeadd"] = static c => c.Made(Text(Guarded(c, () => Time(c.Takes(2), 0).Add(Duration(c, c.Text(1))))));
        all["formatdate"] = static c => c.Made(Format(c.Takes(2), c.Text(0), Time(c, 1)));
        all["formattimestamp"] = static c =>
        {
            DateTimeOffset time = c.Takes(2).Value(1).Kind == HclKind.Number ? Seconds(c, 1) : Time(c, 1);
            return c.Made(c.Text(0) == "X" ? time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) : Format(c, c.Text(0), time));
        };
        all["unixtimestampparse"] = static c => Parts(Seconds(c.Takes(1), 0));
    }

    private static string Text(DateTimeOffset time) =>
        time.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + (time.Offset == TimeSpan.Zero ? "Z" : time.ToString("zzz", CultureInfo.InvariantCulture));

    private static T Guarded<T>(HclCall call, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or OverflowException)
        {
            throw call.Refuse("the time is out of range.");
        }
    }

    private static DateTimeOffset Seconds(HclCall call, int index)
    {
        decimal seconds = call.Number(index);
        return seconds == decimal.Truncate(seconds)
            ? Guarded(call, () => DateTimeOffset.FromUnixTimeSeconds((long)seconds))
            : throw call.Refuse("seconds since 1970 must be a whole number.");
    }

    private static DateTimeOffset Time(HclCall call, int index)
    {
        string text = call.Text(index);
        return text.Length >= 20 && text[10] == 'T' && DateTimeOffset.TryParseExact(
            text,
            ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out DateTimeOffset time)
            ? time
            : throw call.Refuse($"'{text}' is not a time, such as 2006-01-02T15:04:05Z.");
    }

    // Numbers with units, as in 1h30m.
    private static TimeSpan Duration(HclCall call, string text)
    {
        string rest = text.TrimStart('-', '+');
        decimal seconds = rest == "0" ? 0 : -1;
        for (int i = 0; i < rest.Length && rest != "0";)
        {
            int digits = i;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
            {
                digits++;
            }

            int unit = digits;
            while (unit < rest.Length && !char.IsAsciiDigit(rest[unit]) && rest[unit] != '.')
            {
                unit++;
            }

            decimal? number = HclConversion.ParseNumber(rest[i..digits]);
            decimal? factor = rest[digits..unit] switch
            {
                "ns" => 1e-9m,
                "us" or "µs" or "μs" => 1e-6m,
                "ms" => 1e-3m,
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => null,
            };
            seconds = Math.Max(seconds, 0) + ((number * factor) ?? throw call.Refuse($"'{text}' is not a duration, such as 1h30m."));
            i = unit;
        }

        return seconds < 0 ? throw call.Refuse($"'{text}' is not a duration, such as 1h30m.") : TimeSpan.FromTicks((long)(seconds * 10_000_000m) * (text.StartsWith('-') ? -1 : 1));
    }

    private static string Format(HclCall call, string format, DateTimeOffset time)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length;)
        {
            char c = format[i];
            if (c == '\'')
            {
                i = Quoted(call, format, i + 1, text);
                continue;
            }

            if (!char.IsAsciiLetter(c))
            {
                text.Append(c);
                i++;
                continue;
            }

            int end = i;
            while (end < format.Length && format[end] == c)
            {
                end++;
            }

            text.Append(Verb(call, format[i..end], time));
            i = end;
        }

        return text.ToString();
    }

    private static int Quoted(HclCall call, string format, int start, StringBuilder text)
    {
        for (int i = start; i < format.Length; i++)
        {
            if (format[i] != '\'')
            {
                text.Append(format[i]);
            }
            else if (i + 1 < format.Length && format[i + 1] == '\'')
            {
                text.Append('\'');
                i++;
            }
            else
            {
                return i + 1;
            }
        }

        throw call.Refuse("a quote in the format is not closed.");
    }

    private static string Verb(HclCall call, string verb, DateTimeOffset time)
    {
        string Digits(int number, int width) => number.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0');
        int hour = time.Hour % 12 == 0 ? 12 : time.Hour % 12;
        string zone = time.ToString("zzz", CultureInfo.InvariantCulture);
        bool isUtc = time.Offset == TimeSpan.Zero;
        return verb switch
        {
            "YYYY" => Digits(time.Year, 4),
            "YY" => Digits(time.Year % 100, 2),
            "MMMM" => Months[time.Month - 1],
            "MMM" => Months[time.Month - 1][..3],
            "MM" => Digits(time.Month, 2),
            "M" => Digits(time.Month, 1),
            "DD" => Digits(time.Day, 2),
            "D" => Digits(time.Day, 1),
            "EEEE" => time.DayOfWeek.ToString(),
            "EEE" => time.DayOfWeek.ToString()[..3],
            "hh" => Digits(time.Hour, 2),
            "h" => Digits(time.Hour, 1),
            "HH" => Digits(hour, 2),
            "H" => Digits(hour, 1),
            "AA" => time.Hour < 12 ? "AM" : "PM",
            "aa" => time.Hour < 12 ? "am" : "pm",
            "mm" => Digits(time.Minute, 2),
            "m" => Digits(time.Minute, 1),
            "ss" => Digits(time.Second, 2),
            "s" => Digits(time.Second, 1),
            "ZZZZZ" => zone,
            "ZZZZ" => zone.Replace(":", string.Empty, StringComparison.Ordinal),
            "ZZZ" => isUtc ? "UTC" : zone.Replace(":", string.Empty, StringComparison.Ordinal),
            "Z" => isUtc ? "Z" : zone,
            _ => throw call.Refuse($"'{verb}' in the format is not part of a time."),
        };
    }

    private static HclValue Parts(DateTimeOffset time) => HclValue.Object(
    [
        KeyValuePair.Create("year", HclValue.From((decimal)time.Year)),
        KeyValuePair.Create("year_day", HclValue.From((decimal)time.DayOfYear)),
        KeyValuePair.Create("day", HclValue.From((decimal)time.Day)),
        KeyValuePair.Create("month", HclValue.From((decimal)time.Month)),
        KeyValuePair.Create("month_name", HclValue.From(Months[time.Month - 1])),
        KeyValuePair.Create("weekday", HclValue.From((decimal)(int)time.DayOfWeek)),
        KeyValuePair.Create("weekday_name", HclValue.From(time.DayOfWeek.ToString())),
        KeyValuePair.Create("hour", HclValue.From((decimal)time.Hour)),
        KeyValuePair.Create("minute", HclValue.From((decimal)time.Minute)),
        KeyValuePair.Create("second", HclValue.From((decimal)time.Second)),
        KeyValuePair.Create("rfc3339", HclValue.From(Text(time))),
        KeyValuePair.Create("iso_year", HclValue.From((decimal)ISOWeek.GetYear(time.DateTime))),
        KeyValuePair.Create("iso_week", HclValue.From((decimal)ISOWeek.GetWeekOfYear(time.DateTime))),
    ]);
}
