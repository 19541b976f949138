using System.Text.Json;

namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// Reads the subjects of an in-toto statement (in-toto/attestation, spec/v1/statement): the files, by sha256, that a build claims to
/// have produced. BuildKit's releases have one beside each archive. Its signature (.sigstore.json, since v0.27.0) is not checked here.
/// </summary>
internal static class ReleaseProvenance
{
    /// <summary>The sha256 of a file in a statement; null when the statement does not name it.</summary>
    /// <exception cref="HostException">The text is not a statement.</exception>
    public static string? SubjectSha256(ReadOnlyMemory<byte> json, string fileName) => Read(json, "The release's provenance", statement =>
    {
        // A DSSE envelope carries the statement in base64.
        if (statement.TryGetProperty("payload", out JsonElement payload) && payload.ValueKind == JsonValueKind.String)
        {
            return SubjectSha256(payload.GetBytesFromBase64(), fileName);
        }

        foreach (JsonElement subject in statement.GetProperty("subject").EnumerateArray())
        {
            if (subject.GetProperty("name").GetString() == fileName && subject.GetProperty("digest").TryGetProperty("sha256", out JsonElement sha256))
            {
                return IntegrityCheck.Normalize(sha256.GetString() ?? string.Empty);
            }
        }

        return null;
    });

    /// <summary>The digest of a release's asset in GitHub's API (<c>assets[].digest</c>, "sha256:…"); null when it has none.</summary>
    public static string? AssetSha256(ReadOnlyMemory<byte> json, string fileName) => Read(json, "GitHub's answer about the release", release =>
    {
        foreach (JsonElement asset in release.GetProperty("assets").EnumerateArray())
        {
            if (asset.GetProperty("name").GetString() == fileName &&
                asset.TryGetProperty("digest", out JsonElement digest) &&
                digest.GetString() is { } text &&
                text.StartsWith("sha256:", StringComparison.Ordinal))
            {
                return IntegrityCheck.Normalize(text["sha256:".Length..]);
            }
        }

        return null;
    });

    private static string? Read(ReadOnlyMemory<byte> json, string what, Func<JsonElement, string?> find)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return find(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HostException(HostErrorKind.Integrity, $"{what} cannot be read: {error.Message}", inner: error);
        }
    }
}
