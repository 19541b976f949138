using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a TimeSpan parameter accept seconds (5, 0.5) and text with a unit (500ms, 5s, 2m, 1h). Without it PowerShell reads the number 5 as five
/// ticks and the text '5' as five days.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DurationTransformAttribute : ArgumentTransformationAttribute
{
    private static readonly (string Suffix, double Seconds)[] Units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)];

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (input is IConvertible number and not string and not bool and not DateTime)
        {
            return FromSeconds(number.ToDouble(CultureInfo.InvariantCulture)) ?? inputData;
        }

        if (input is string text)
        {
            foreach ((string suffix, double seconds) in Units)
            {
                if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                    && double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double count)
                    && FromSeconds(count * seconds) is { } span)
                {
                    return span;
                }
            }
        }

        return inputData;
    }

    private static object? FromSeconds(double seconds) =>
        double.IsFinite(seconds) && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
}
