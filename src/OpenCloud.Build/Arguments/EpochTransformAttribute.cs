using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>Lets a time parameter accept seconds since 1970, as SOURCE_DATE_EPOCH has them; without it PowerShell reads a number as ticks.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EpochTransformAttribute : ArgumentTransformationAttribute
{
    private const long Most = 253_402_300_799;

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return input switch
        {
            string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= Most => DateTimeOffset.FromUnixTimeSeconds(seconds),
            int or long or uint or short when Convert.ToInt64(input, CultureInfo.InvariantCulture) is >= 0 and <= Most and var seconds => DateTimeOffset.FromUnixTimeSeconds(seconds),
            DateTime time => new DateTimeOffset(time),
            _ => inputData,
        };
    }
}
