namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>A lease that is held. Giving it back lets the garbage collector at what nothing else refers to.</summary>
internal sealed class ContainerdLease(ContainerdClient client, string @namespace, string id)
{
    /// <summary>Its id, which goes along with what is written under it.</summary>
    public string Id { get; } = id;

    /// <summary>Gives it back.</summary>
    /// <param name="collect">Wait until the collector has run: nothing of what was written under the lease alone is left then.</param>
    public async Task ReleaseAsync(bool collect)
    {
        // Also when the work was cancelled: that is when it matters most.
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        await client.DeleteLeaseAsync(@namespace, Id, collect, limit.Token).ConfigureAwait(false);
    }
}
