using System.Collections;

namespace OpenCloud.Build.Linux;

/// <summary>A collection that changes, in an object for users. Its text is that of its items, as for <see cref="TextList{T}"/>.</summary>
internal sealed class TextView<T>(IReadOnlyCollection<T>? items) : IReadOnlyCollection<T>
{
    private readonly IReadOnlyCollection<T> _items = items ?? [];

    public int Count => _items.Count;

    public IEnumerator<T> GetEnumerator() => _items.GetEnumerator();

    public override string ToString() => string.Join("; ", _items);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
