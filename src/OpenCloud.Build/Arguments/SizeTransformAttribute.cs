using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>Lets a size parameter accept text with a unit in docker's form (64m, 1g), beside PowerShell's own 64MB.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SizeTransformAttribute : ArgumentTransformationAttribute
{
    private const int Step = 1024;
    private const string Units = "bkmgt";

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (input is not string { Length: > 0 } text)
        {
            return inputData;
        }

        string digits = text.Trim().ToLowerInvariant();
        digits = digits.EndsWith("ib", StringComparison.Ordinal) ? digits[..^2] : digits.Length > 1 && digits[^1] == 'b' && !char.IsAsciiDigit(digits[^2]) ? digits[..^1] : digits;
        int unit = digits.Length == 0 ? -1 : Units.IndexOf(digits[^1], StringComparison.Ordinal);
        string number = unit < 0 ? digits : digits[..^1];
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count) && count < 1e15
            ? (long)(count * Math.Pow(Step, Math.Max(unit, 0)))
            : inputData;
    }
}
