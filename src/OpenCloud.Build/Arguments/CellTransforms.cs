using System.Collections;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a switch accept the text of a table cell: <c>true</c>, <c>yes</c>, <c>on</c> and <c>1</c> are on; <c>false</c>, <c>no</c>, <c>off</c>,
/// <c>0</c> and an empty cell are off, also the last of a line, which <c>ConvertFrom-Csv</c> makes null: PowerShell would keep the switch of the
/// record before. Without it PowerShell rejects the text.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SwitchCellTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => HostArguments.Unwrap(inputData) is null ? new SwitchParameter(false)
            : HostArguments.Unwrap(inputData) is not string text ? inputData : text.Trim().ToLowerInvariant() switch
            {
                "true" or "yes" or "on" or "1" => SwitchParameter.Present,
                "false" or "no" or "off" or "0" or "" => new SwitchParameter(false),
                _ => inputData,
            };
}

/// <summary>Treats an empty table cell as a parameter that is not given.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EmptyCellTransformAttribute : ArgumentTransformationAttribute
{
    public override bool TransformNullOptionalParameters => false;

    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => HostArguments.Unwrap(inputData) is string text && string.IsNullOrWhiteSpace(text) ? null : inputData;
}

/// <summary>Treats an empty table cell as an enumeration's first value.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EnumCellTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => HostArguments.Unwrap(inputData) is null || (HostArguments.Unwrap(inputData) is string text && string.IsNullOrWhiteSpace(text)) ? 0 : inputData;
}

/// <summary>
/// Accepts secrets in docker's form, <c>id=NAME[,src=PATH|,env=NAME]</c>, beside a dictionary. As with docker, a bare id means the environment
/// variable of that name, or else the file. Of invalid text only the id is passed on, with a null value, as the rest may
/// be the secret itself.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = HostArguments.Unwrap(inputData);
        if (input is not (string or IEnumerable) || input is IDictionary)
        {
            return inputData;
        }

        Hashtable secrets = [];
        foreach (object? item in input is string one ? [one] : Join((IEnumerable)input))
        {
            switch (item)
            {
                case IDictionary map:
                    foreach (DictionaryEntry entry in map)
                    {
                        secrets[entry.Key] = entry.Value;
                    }

                    break;
                case string text when string.IsNullOrWhiteSpace(text):
                    break;
                case string text:
                    (string id, object? value) = Read(text);
                    secrets[id] = value;
                    break;
                default:
                    return inputData;
            }
        }

        return secrets;
    }

    // PowerShell splits an unquoted 'id=a,src=b'. A string belongs to the one before it until both have an id.
    private static IEnumerable<object?> Join(IEnumerable items)
    {
        string? text = null;
        foreach (object? item in items.Cast<object?>().Select(HostArguments.Unwrap))
        {
            if (item is string part && (text is null || !(HasId(text) && HasId(part))))
            {
                text = text is null ? part : $"{text},{part}";
                continue;
            }

            if (text is not null)
            {
                yield return text;
            }

            text = item as string;
            if (text is null)
            {
                yield return item;
            }
        }

        if (text is not null)
        {
            yield return text;
        }

        static bool HasId(string text) => text.Split(',').Any(static f => f.TrimStart().StartsWith("id=", StringComparison.OrdinalIgnoreCase));
    }

    // ExchangeArguments rejects a null value, with a list of the valid forms.
    private static (string Id, object? Value) Read(string text)
    {
        string? id = null, file = null, variable = null, type = null;
        foreach (string field in text.Split(','))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? "" : field[(equals + 1)..];
            switch (equals < 0 ? "" : field[..equals].Trim().ToLowerInvariant())
            {
                case "id":
                    id = value;
                    break;
                case "src" or "source":
                    file = value;
                    break;
                case "env":
                    variable = value;
                    break;
                case "type" when value is "file" or "env":
                    type = value;
                    break;
                default:
                    return (id ?? "?", null);
            }
        }

        if (string.IsNullOrEmpty(id) || (file is not null && variable is not null))
        {
            return (id ?? "", null);
        }

        variable ??= type == "env" ? file ?? id : file is null && type is null && Environment.GetEnvironmentVariable(id) is not null ? id : null;
        return (id, variable is null ? "file:" + (file ?? id) : "env:" + variable);
    }
}
