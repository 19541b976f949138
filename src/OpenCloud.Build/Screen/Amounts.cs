using System.Globalization;

namespace OpenCloud.Build.Screen;

internal static class Amounts
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>The time of something that ended: <c>4.1s</c>, <c>2m 05s</c>, <c>1h 02m</c>.</summary>
    public static string Time(TimeSpan time) => time.TotalSeconds < 59.95
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0}s")
        : Long(TimeSpan.FromSeconds(Math.Round(Math.Min(time.TotalSeconds, 1e9))));

    public static string Running(TimeSpan time) => time.TotalSeconds < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(time.TotalSeconds):0}s")
        : Long(time);

    public static string Bytes(long count)
    {
        (double amount, int unit) = Scale(count);
        return $"{Number(amount, unit)} {Units[unit]}";
    }

    /// <summary>A part of a size, in one unit: <c>12.3 / 29.1 MiB</c>.</summary>
    public static string Bytes(long current, long total)
    {
        (double amount, int unit) = Scale(total);
        return $"{Number(current / Math.Pow(1024, unit), unit)} / {Number(amount, unit)} {Units[unit]}";
    }

    private static string Long(TimeSpan time) => time.TotalHours < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}m {time.Seconds:00}s")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(time.TotalHours):0}h {time.Minutes:00}m");

    private static (double Amount, int Unit) Scale(long count)
    {
        double amount = Math.Max(count, 0);
        int unit = 0;
        while (amount >= 1024 && unit < Units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }

        return (amount, unit);
    }

    private static string Number(double amount, int unit) => amount.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture);
}
