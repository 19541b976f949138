using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Containerd;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Records;

/// <summary>
/// Records of the build history as an OCI layout: a manifest for each record, with the record as JSON in its config and with trace, log,
/// attestations and results as its layers; several manifests get an index. The format is that of buildx' history export, which
/// Docker Desktop opens.
/// </summary>
/// <remarks>docker/buildx, util/desktop/bundle/export.go; the names in the JSON are those of moby/buildkit, control.proto.</remarks>
internal static partial class BuildHistoryArchive
{
    public const string RecordMediaType = "application/vnd.buildkit.historyrecord.v0";

    private const string ReferenceAnnotation = "vnd.buildkit.history.reference";
    private const string OriginalTypeAnnotation = "vnd.export-build.descriptor.mediatype";
    private const int MaxTraceBytes = 64 * 1024 * 1024;

    public static async Task WriteAsync(IReadOnlyList<BuildHistoryRecord> records, ContentClient content, IArchiveOutput output, CancellationToken cancellationToken)
    {
        Dictionary<ContentDigest, byte[]> made = new();
        List<OciDescriptor> manifests = new();
        foreach (BuildHistoryRecord record in records)
        {
            manifests.Add(await AddAsync(record, content, made, cancellationToken).ConfigureAwait(false));
        }

        OciDescriptor target = manifests.Count == 1 ? manifests[0] : Add(made, OciMediaTypes.Index, new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMediaTypes.Index,
            ["manifests"] = new JsonArray([.. manifests.Select(static m => (JsonNode)ToJson(m))]),
        });
        OverlaySource source = new(made, content);
        ImageTree tree = await ImageTree.ReadAsync(source, target, [], cancellationToken).ConfigureAwait(false);
        if (tree.Missing.Count > 0)
        {
            throw new OciFormatException($"{source.Location}: {tree.Missing[0].Digest}, which the history refers to, is missing.");
        }

        await ImageArchiveWriter.WriteAsync(output, [new ImageToWrite(target, [], tree)], source, null, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<OciDescriptor> AddAsync(BuildHistoryRecord record, ContentClient content, Dictionary<ContentDigest, byte[]> made, CancellationToken cancellationToken)
    {
        List<OciDescriptor> layers = new();
        HashSet<string> seen = new(StringComparer.Ordinal);
        ContentDescriptor traceJson = record.Trace;
        if (record.Trace is { } trace && await ReadTraceAsync(trace, content, cancellationToken).ConfigureAwait(false) is { } bytes)
        {
            OciDescriptor clean = new(trace.MediaType, ContentDigest.Of(bytes), bytes.Length);
            made[clean.Digest] = bytes;
            layers.Add(clean);
            traceJson = new ContentDescriptor { MediaType = trace.MediaType, Digest = clean.Digest.ToString(), Size = clean.Size };
            seen.Add(trace.Digest);
        }

        OciDescriptor config = Add(made, RecordMediaType, ToJson(record, traceJson));
        await AddLayerAsync(record.Logs, isResult: false).ConfigureAwait(false);
        await AddResultsAsync(record.Result).ConfigureAwait(false);
        await AddLayerAsync(record.ExternalError, isResult: false).ConfigureAwait(false);
        foreach ((string _, BuildResultInfo? result) in record.Results.OrderBy(static r => r.Key, StringComparer.Ordinal))
        {
            await AddResultsAsync(result).ConfigureAwait(false);
        }

        OciDescriptor manifest = Add(made, OciMediaTypes.Manifest, new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMediaTypes.Manifest,
            ["config"] = ToJson(config),
            ["layers"] = new JsonArray([.. layers.Select(static l => (JsonNode)ToJson(l))]),
        });
        return manifest with { Annotations = new Dictionary<string, string> { [ReferenceAnnotation] = record.Ref } };

        async Task AddResultsAsync(BuildResultInfo? result)
        {
            foreach (ContentDescriptor? attestation in result?.Attestations ?? [])
            {
                await AddLayerAsync(attestation, isResult: false).ConfigureAwait(false);
            }

            foreach ((long _, ContentDescriptor? one) in (result?.Results ?? []).OrderBy(static r => r.Key))
            {
                await AddLayerAsync(one, isResult: true).ConfigureAwait(false);
            }
        }

        async Task AddLayerAsync(ContentDescriptor? descriptor, bool isResult)
        {
            // The image may have been removed since the build; its manifest is then left out.
            if (descriptor is null || !seen.Add(descriptor.Digest)
                || !ContentDigest.TryParse(descriptor.Digest, out ContentDigest digest)
                || await content.InfoAsync(digest, cancellationToken).ConfigureAwait(false) is not { } info)
            {
                return;
            }

            Dictionary<string, string> annotations = new(descriptor.Annotations, StringComparer.Ordinal);
            if (isResult)
            {
                // Otherwise readers would follow it to layers that are not in the archive.
                annotations[OriginalTypeAnnotation] = descriptor.MediaType;
            }

            layers.Add(new OciDescriptor(isResult ? "application/json" : descriptor.MediaType, digest, info.Size) { Annotations = annotations });
        }
    }

    private static async Task<byte[]?> ReadTraceAsync(ContentDescriptor trace, ContentClient content, CancellationToken cancellationToken)
    {
        if (!ContentDigest.TryParse(trace.Digest, out ContentDigest digest)
            || await content.TryReadAsync(new OciDescriptor(trace.MediaType, digest, trace.Size), MaxTraceBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        // Command lines in a trace may contain the credentials of a cache; buildx masks them in the same way.
        string text = Encoding.UTF8.GetString(bytes);
        return Encoding.UTF8.GetBytes(Tokens().Replace(SecretAttributes().Replace(text, "$1=xxxxx"), "xxxxx"));
    }

    private static OciDescriptor Add(Dictionary<ContentDigest, byte[]> made, string mediaType, JsonNode document)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(document.ToJsonString(JsonForm.Indented));
        OciDescriptor descriptor = new(mediaType, ContentDigest.Of(bytes), bytes.Length);
        made[descriptor.Digest] = bytes;
        return descriptor;
    }

    private static JsonObject ToJson(OciDescriptor descriptor)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonForm.Writer))
        {
            OciJsonWriter.Write(writer, descriptor);
        }

        return (JsonObject)JsonNode.Parse(stream.ToArray())!;
    }

    private static JsonObject ToJson(BuildHistoryRecord record, ContentDescriptor? trace)
    {
        JsonObject json = new();
        Set("Ref", record.Ref.Length > 0 ? record.Ref : null);
        Set("Frontend", record.Frontend.Length > 0 ? record.Frontend : null);
        Set("FrontendAttrs", record.FrontendAttrs.Count > 0 ? ToJson(record.FrontendAttrs, CleanAttribute) : null);
        Set("Exporters", record.Exporters.Count > 0
            ? new JsonArray([.. record.Exporters.Select(static e => (JsonNode)new JsonObject { ["Type"] = e.Type, ["Attrs"] = ToJson(e.Attrs, static (_, value) => value) })])
            : null);
        Set("error", record.Error is { } error ? new JsonObject { ["code"] = error.Code, ["message"] = error.Message } : null);
        Set("CreatedAt", ToJson(record.CreatedAt));
        Set("CompletedAt", ToJson(record.CompletedAt));
        Set("logs", ToJson(record.Logs));
        Set("ExporterResponse", record.ExporterResponse.Count > 0 ? ToJson(record.ExporterResponse, static (_, value) => value) : null);
        Set("Result", ToJson(record.Result));
        Set("Results", record.Results.Count > 0
            ? new JsonObject(record.Results.OrderBy(static r => r.Key, StringComparer.Ordinal).Select(static r => KeyValuePair.Create<string, JsonNode?>(r.Key, ToJson(r.Value))))
            : null);
        Set("Generation", record.Generation != 0 ? record.Generation : null);
        Set("trace", ToJson(trace));
        Set("pinned", record.Pinned ? true : null);
        Set("numCachedSteps", record.NumCachedSteps != 0 ? record.NumCachedSteps : null);
        Set("numTotalSteps", record.NumTotalSteps != 0 ? record.NumTotalSteps : null);
        Set("numCompletedSteps", record.NumCompletedSteps != 0 ? record.NumCompletedSteps : null);
        Set("externalError", ToJson(record.ExternalError));
        Set("numWarnings", record.NumWarnings != 0 ? record.NumWarnings : null);
        json["DefaultPlatform"] = Platform.Current.ToString();
        return json;

        void Set(string name, JsonNode? value)
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }
    }

    // Keeps the location of a cache import, without its credentials.
    private static string CleanAttribute(string key, string value)
    {
        if (key != "cache-imports")
        {
            return value;
        }

        try
        {
            JsonArray imports = JsonNode.Parse(value) as JsonArray ?? [];
            foreach (JsonNode? import in imports)
            {
                if ((import as JsonObject)?["Attrs"] is JsonObject attributes)
                {
                    foreach (string? name in attributes.Select(static a => a.Key).Where(static k => k is not ("scope" or "ref")).ToList())
                    {
                        attributes.Remove(name);
                    }
                }
            }

            return imports.ToJsonString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return string.Empty;
        }
    }

    private static JsonObject ToJson(IEnumerable<KeyValuePair<string, string>> map, Func<string, string, string> clean) =>
        new(map.OrderBy(static p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, clean(p.Key, p.Value))));

    private static JsonObject? ToJson(Google.Protobuf.WellKnownTypes.Timestamp? time) =>
        time is null ? null : new JsonObject { ["seconds"] = time.Seconds, ["nanos"] = time.Nanos };

    private static JsonObject? ToJson(ContentDescriptor? descriptor)
    {
        if (descriptor is null)
        {
            return null;
        }

        JsonObject json = new() { ["media_type"] = descriptor.MediaType, ["digest"] = descriptor.Digest, ["size"] = descriptor.Size };
        if (descriptor.Annotations.Count > 0)
        {
            json["annotations"] = ToJson(descriptor.Annotations, static (_, value) => value);
        }

        return json;
    }

    private static JsonObject? ToJson(BuildResultInfo? result)
    {
        if (result is null)
        {
            return null;
        }

        JsonObject json = new();
        if (result.Attestations.Count > 0)
        {
            json["Attestations"] = new JsonArray([.. result.Attestations.Select(static a => (JsonNode?)ToJson(a))]);
        }

        if (result.Results.Count > 0)
        {
            json["Results"] = new JsonObject(result.Results.OrderBy(static r => r.Key).Select(static r =>
                KeyValuePair.Create<string, JsonNode?>(r.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), ToJson(r.Value))));
        }

        return json;
    }

    [GeneratedRegex("(ghtoken|token|access_key_id|secret_access_key|session_token)=[^ ,\"\\\\]+", RegexOptions.IgnoreCase)]
    private static partial Regex SecretAttributes();

    [GeneratedRegex(@"(?:ghu|ghs|ghp)_[A-Za-z0-9]{36}|github_pat_\w{82}")]
    private static partial Regex Tokens();
}
