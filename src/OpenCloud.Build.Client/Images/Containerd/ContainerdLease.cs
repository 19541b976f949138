namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>A lease that is held. Deleting it lets the garbage collector remove what nothing else refers to.</summary>
internal sealed class ContainerdLease(ContainerdClient client, string @namespace, string id)
{
    public string Id { get; } = id;

    /// <summary>Deletes it; with <c>collect</c>, waits until the collector has removed what only this lease held.</summary>
    public async Task ReleaseAsync(bool collect)
    {
        // Also when the work was canceled: that is when it matters most.
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        await client.DeleteLeaseAsync(@namespace, Id, collect, limit.Token).ConfigureAwait(false);
    }
}
