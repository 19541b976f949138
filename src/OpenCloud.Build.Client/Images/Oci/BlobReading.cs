using System.Runtime.CompilerServices;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>Reads whole small contents, within a bound and verified against their descriptors.</summary>
internal static class BlobReading
{
    /// <summary>Reads a content into memory.</summary>
    /// <exception cref="OciFormatException">It is larger than the bound, or does not match the descriptor.</exception>
    public static async Task<byte[]> ReadAllAsync(Stream content, OciDescriptor descriptor, int limit, string what, CancellationToken cancellationToken)
    {
        if (descriptor.Size > limit)
        {
            throw new OciFormatException($"{what}: {descriptor.Digest} is {descriptor.Size} bytes long; the limit for '{descriptor.MediaType}' is {limit}.");
        }

        VerifyingStream verifying = new(content, descriptor, what);
        await using ConfiguredAsyncDisposable disposal = verifying.ConfigureAwait(false);
        byte[] bytes = new byte[descriptor.Size];
        await verifying.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        int more = await verifying.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
        return more == 0 ? bytes : throw new OciFormatException($"{what}: {descriptor.Digest} is longer than its descriptor says.");
    }

    /// <summary>Reads a file that has no known digest.</summary>
    public static async Task<byte[]> ReadFileAsync(IFileTree tree, string path, int limit, CancellationToken cancellationToken)
    {
        long length = tree.GetLength(path) ?? throw new OciFormatException($"'{tree.Location}' has no file '{path}'.");
        if (length > limit)
        {
            throw new OciFormatException($"'{path}' of '{tree.Location}' is {length} bytes long; the limit is {limit}.");
        }

        Stream stream = tree.Open(path);
        await using ConfiguredAsyncDisposable disposal = stream.ConfigureAwait(false);
        byte[] bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }
}
