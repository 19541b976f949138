using System.Collections.ObjectModel;

namespace OpenCloud.Build.Linux;

/// <summary>Names and values in an object for users. Its text is <c>name=value; …</c>, for a cell of a CSV file.</summary>
internal sealed class TextMap : ReadOnlyDictionary<string, string>
{
    private TextMap(IDictionary<string, string> values)
        : base(values)
    {
    }

    public static new TextMap Empty { get; } = new(new Dictionary<string, string>());

    public static TextMap Of(IReadOnlyDictionary<string, string> values) => values switch
    {
        TextMap map => map,
        IDictionary<string, string> map => new(map),
        _ => new(new Dictionary<string, string>(values)),
    };

    public override string ToString() => string.Join("; ", this.Select(static v => $"{v.Key}={v.Value}"));
}
