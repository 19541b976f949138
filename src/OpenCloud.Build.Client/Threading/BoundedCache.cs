namespace OpenCloud.Build.Client.Threading;

/// <summary>
/// Caches recently used values within a bound of weight. A request for a value that is being fetched waits for that fetch.
/// </summary>
internal sealed class BoundedCache<TKey, TValue>(long capacity)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _order = new();
    private long _weight;

    public int Fetches { get; private set; }

    public Task<TValue> GetAsync(TKey key, long weight, Func<Task<TValue>> fetch)
    {
        Lazy<Task<TValue>> value;
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
            {
                _order.Remove(node);
                _order.AddLast(node);
                return node.Value.Value.Value;
            }

            Fetches++;
            value = new Lazy<Task<TValue>>(fetch);
            _entries[key] = _order.AddLast(new Entry(key, weight, value));
            _weight += weight;
            while (_weight > capacity && _order.Count > 1)
            {
                LinkedListNode<Entry> oldest = _order.First!;
                _order.RemoveFirst();
                _entries.Remove(oldest.Value.Key);
                _weight -= oldest.Value.Weight;
            }
        }

        return value.Value;
    }

    private sealed record Entry(TKey Key, long Weight, Lazy<Task<TValue>> Value);
}
