using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Containerd.Content;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Images.Containerd;

/// <summary>The Content service of a containerd namespace, or the read-only one that buildkitd serves for its build history.</summary>
internal sealed class ContentClient(EngineChannel channel, Metadata? scope) : IBlobSource, IOriginSource
{
    /// <summary>The prefix of the label that lists the repositories of a registry with this content; the registry's name follows.</summary>
    /// <remarks>containerd, pkg/labels (LabelDistributionSource) and core/remotes/docker/handler.go: the paths are separated by commas.</remarks>
    public const string OriginLabel = "containerd.io/distribution.source.";

    // The server answers each WRITE, so larger pieces mean fewer round trips; a message may have 16 MiB.
    private const int WriteSize = 1024 * 1024;

    private readonly Content.ContentClient _content = new(channel.Pooled);

    public string Location => channel.Name;

    /// <summary>The store's information about a content; null when it does not have it.</summary>
    public async Task<Info?> InfoAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        try
        {
            return (await _content.InfoAsync(new InfoRequest { Digest = digest.ToString() }, scope, cancellationToken: cancellationToken).ConfigureAwait(false)).Info;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    public async ValueTask<IReadOnlyList<string>> FindOriginsAsync(ContentDigest digest, string registry, CancellationToken cancellationToken) =>
        (await InfoAsync(digest, cancellationToken).ConfigureAwait(false))?.Labels.TryGetValue(OriginLabel + registry, out string? paths) == true
            ? paths.Split(',', StringSplitOptions.RemoveEmptyEntries)
            : [];

    public async ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        (await InfoAsync(digest, cancellationToken).ConfigureAwait(false))?.Size;

    public ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        ValueTask.FromResult<Stream>(new ContentReadStream(
            _content.Read(new ReadContentRequest { Digest = digest.ToString() }, scope, cancellationToken: cancellationToken)));

    /// <summary>Reads a whole content; null when the store does not have it.</summary>
    /// <exception cref="OciFormatException">It is larger than the bound, or does not match its descriptor.</exception>
    public async Task<byte[]?> TryReadAsync(OciDescriptor descriptor, int limit, CancellationToken cancellationToken)
    {
        try
        {
            Stream stream = await OpenAsync(descriptor.Digest, cancellationToken).ConfigureAwait(false);
            return await BlobReading.ReadAllAsync(stream, descriptor, limit, Location, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    public async IAsyncEnumerable<Info> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ListContentResponse? answer in _content.List(new ListContentRequest(), scope, cancellationToken: cancellationToken).ReadAllAsync().ConfigureAwait(false))
        {
            foreach (Info? info in answer.Info)
            {
                yield return info;
            }
        }
    }

    /// <summary>Sets labels of a present content, beside those it has.</summary>
    public Task SetLabelsAsync(ContentDigest digest, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken)
    {
        UpdateRequest request = new() { Info = new Info { Digest = digest.ToString() }, UpdateMask = new FieldMask() };
        foreach ((string? key, string? value) in labels)
        {
            request.Info.Labels[key] = value;
            request.UpdateMask.Paths.Add("labels." + key);
        }

        return _content.UpdateAsync(request, scope, cancellationToken: cancellationToken).ResponseAsync;
    }

    /// <summary>Removes a content at once, even if something refers to it.</summary>
    public Task DeleteAsync(ContentDigest digest, CancellationToken cancellationToken) =>
        _content.DeleteAsync(new DeleteContentRequest { Digest = digest.ToString() }, scope, cancellationToken: cancellationToken).ResponseAsync;

    /// <summary>Writes a content, verified against its descriptor on both sides, and disposes of the stream.</summary>
    /// <returns>The bytes that were sent.</returns>
    /// <remarks>
    /// With <c>announce</c> the store gets the digest beforehand; it then takes nothing that it has in any namespace. containerd,
    /// plugins/services/content/contentserver: STAT reports how far a write is, COMMIT ends it.
    /// </remarks>
    public async Task<long> WriteAsync(OciDescriptor descriptor, Stream content, IReadOnlyDictionary<string, string> labels, bool announce, CancellationToken cancellationToken)
    {
        string reference = $"opencloud-build-{Guid.NewGuid():n}";
        VerifyingStream verifying = new(content, descriptor, Location);
        await using ConfiguredAsyncDisposable disposal = verifying.ConfigureAwait(false);
        try
        {
            return await WriteAsync(reference, descriptor, verifying, labels, announce, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await AbortAsync(reference).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<long> WriteAsync(string reference, OciDescriptor descriptor, VerifyingStream content, IReadOnlyDictionary<string, string> labels, bool announce, CancellationToken cancellationToken)
    {
        using AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> call = _content.Write(scope, cancellationToken: cancellationToken);
        try
        {
            string expected = descriptor.Digest.ToString();
            WriteContentRequest stat = new() { Action = WriteAction.Stat, Ref = reference, Total = descriptor.Size, Expected = announce ? expected : string.Empty };
            WriteContentResponse status = await ExchangeAsync(call, stat, cancellationToken).ConfigureAwait(false);
            long sent = 0;

            // A store that shares contents between namespaces reports at once that it has all of it.
            if (status.Offset < descriptor.Size)
            {
                byte[] buffer = new byte[Math.Min(WriteSize, Math.Max(descriptor.Size, 1))];
                int read;
                // The last read, which returns nothing, is the one that verifies.
                while ((read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    WriteContentRequest write = new() { Action = WriteAction.Write, Ref = reference, Offset = sent, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)) };
                    WriteContentResponse answer = await ExchangeAsync(call, write, cancellationToken).ConfigureAwait(false);
                    sent += read;
                    if (answer.Offset != sent)
                    {
                        throw new IOException($"{Location} wrote {answer.Offset} of the {sent} bytes of {expected}.");
                    }
                }
            }

            WriteContentRequest commit = new() { Action = WriteAction.Commit, Ref = reference, Total = descriptor.Size, Expected = expected, Offset = descriptor.Size };
            foreach ((string? key, string? value) in labels)
            {
                commit.Labels[key] = value;
            }

            await ExchangeAsync(call, commit, cancellationToken).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            return sent;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            if (labels.Count > 0)
            {
                await SetLabelsAsync(descriptor.Digest, labels, cancellationToken).ConfigureAwait(false);
            }

            return content.Position;
        }
    }

    private async Task<WriteContentResponse> ExchangeAsync(AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> call, WriteContentRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await call.RequestStream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // The server ended the call without taking this; its answer is read below.
        }

        return await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false)
            ? call.ResponseStream.Current
            : throw new IOException($"{Location} ended the write of '{request.Ref}' without committing it.");
    }

    private async Task AbortAsync(string reference)
    {
        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(10));
            await _content.AbortAsync(new AbortRequest { Ref = reference }, scope, cancellationToken: limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or EngineConnectException)
        {
            // Nothing was begun under that name, or the store is gone; the lease takes care of the rest.
        }
    }
}
