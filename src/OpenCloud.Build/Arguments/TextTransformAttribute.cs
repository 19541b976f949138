using System.Collections;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a parameter take text, and objects whose property PowerShell binds to it next, but no others: PowerShell would take the text of any piped
/// object for the value. An object whose property has no value leaves the parameter without a value.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TextTransformAttribute(params string[] properties) : ArgumentTransformationAttribute
{
    public string[] Properties => properties;

    /// <summary>Whether the text of a file is its path.</summary>
    public bool TakesFiles { get; set; }

    /// <summary>The objects that another parameter takes; PowerShell offers them to this one as well.</summary>
    public Type? Other { get; set; }

    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (inputData is PSObject { BaseObject: not IList } single && !IsText(single.BaseObject) && (Find(single) is { Value: null } || Other?.IsInstanceOfType(single.BaseObject) == true))
        {
            return null;
        }

        foreach (object? item in inputData is PSObject { BaseObject: IList list } ? list : inputData as IList ?? new[] { inputData })
        {
            object? value = item is PSObject wrapped ? wrapped.BaseObject : item;
            if (!IsText(value) && (value is IDictionary || Find(PSObject.AsPSObject(item!)) is null))
            {
                string reason = properties.Length == 0 ? "is not a string" : $"is not a string and has no property {string.Join(" or ", properties)}";
                throw new ArgumentTransformationMetadataException($"An object of type {value!.GetType().Name} {reason}.");
            }
        }

        return inputData;
    }

    private bool IsText(object? value) => value is null or string || value.GetType().IsPrimitive || (TakesFiles && value is FileSystemInfo or Uri);

    private PSPropertyInfo? Find(PSObject value) => properties.Select(p => value.Properties[p]).FirstOrDefault(static p => p is not null);
}
