using System.Collections;
using System.Management.Automation;

namespace OpenCloud.Build.Arguments;

/// <summary>
/// Lets a parameter take text and files, and objects whose property PowerShell binds to it next, but no others: PowerShell would take the text of any
/// piped object for the value.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TextTransformAttribute(params string[] properties) : ArgumentTransformationAttribute
{
    public string[] Properties => properties;

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        foreach (object? item in inputData is PSObject { BaseObject: IList list } ? list : inputData as IList ?? new[] { inputData })
        {
            object? value = item is PSObject wrapped ? wrapped.BaseObject : item;
            bool isText = value is null or string or FileSystemInfo or Uri || value.GetType().IsPrimitive;
            if (!isText && (value is IDictionary || !properties.Any(p => PSObject.AsPSObject(item!).Properties[p] is not null)))
            {
                throw new ArgumentTransformationMetadataException($"An object of type {value!.GetType().Name} is not a string and has no property {string.Join(" or ", properties)}.");
            }
        }

        return inputData;
    }
}
