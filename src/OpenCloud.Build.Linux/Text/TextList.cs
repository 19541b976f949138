using System.Collections.ObjectModel;

namespace OpenCloud.Build.Linux;

/// <summary>
/// A list in an object for users. Its text is that of its items, so that a cell of a CSV file, which is a property's text, does not name a type.
/// </summary>
internal sealed class TextList<T> : ReadOnlyCollection<T>
{
    private TextList(IList<T> items)
        : base(items)
    {
    }

    public static new TextList<T> Empty { get; } = new([]);

    public static TextList<T> Of(IReadOnlyList<T>? items) => items switch
    {
        null or { Count: 0 } => Empty,
        TextList<T> list => list,
        IList<T> list => new(list),
        _ => new([.. items]),
    };

    public override string ToString() => string.Join("; ", this);
}
