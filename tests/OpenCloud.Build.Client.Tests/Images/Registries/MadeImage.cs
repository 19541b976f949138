using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Tests.Images.Registries;

/// <summary>An image in memory: an index of two platforms, one with an attestation, with one layer that is large and one that is small.</summary>
internal sealed class MadeImage : IBlobSource
{
    public const string Predicate = "https://slsa.dev/provenance/v1";

    private readonly Dictionary<ContentDigest, byte[]> _blobs = [];

    public MadeImage(int large = 350_000, int seed = 1)
    {
        byte[] bytes = new byte[large];
        new Random(seed).NextBytes(bytes);
        Large = Add(OciMediaTypes.LayerGzip, bytes);
        Small = Add(OciMediaTypes.LayerGzip, Encoding.UTF8.GetBytes($"small {seed}"));
        OciDescriptor amd = Manifest("amd64");
        OciDescriptor arm = Manifest("arm64");
        OciDescriptor statement = Add("application/vnd.in-toto+json", Encoding.UTF8.GetBytes($$$"""{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"{{{Predicate}}}","predicate":{"buildDefinition":{"buildType":"t"},"runDetails":{"builder":{"id":"b"} } } }"""));
        OciDescriptor attestation = Add(OciMediaTypes.Manifest, Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMediaTypes.Manifest,
            ["config"] = ToJson(Add(OciMediaTypes.Config, Encoding.UTF8.GetBytes("""{"architecture":"unknown","os":"unknown","rootfs":{"type":"layers","diff_ids":[]}}"""))),
            ["layers"] = new JsonArray(With(ToJson(statement), "annotations", new JsonObject { ["in-toto.io/predicate-type"] = Predicate })),
        }));
        Attestation = attestation;
        Amd = amd;
        Arm = arm;
        Target = Add(OciMediaTypes.Index, Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMediaTypes.Index,
            ["manifests"] = new JsonArray(
                With(ToJson(amd), "platform", new JsonObject { ["os"] = "linux", ["architecture"] = "amd64" }),
                With(ToJson(arm), "platform", new JsonObject { ["os"] = "linux", ["architecture"] = "arm64" }),
                With(With(ToJson(attestation), "platform", new JsonObject { ["os"] = "unknown", ["architecture"] = "unknown" }), "annotations", new JsonObject
                {
                    ["vnd.docker.reference.type"] = "attestation-manifest",
                    ["vnd.docker.reference.digest"] = amd.Digest.ToString(),
                })),
        }));
    }

    public string Location => "memory";

    public OciDescriptor Target { get; }

    public OciDescriptor Amd { get; }

    public OciDescriptor Arm { get; }

    public OciDescriptor Attestation { get; }

    public OciDescriptor Large { get; }

    public OciDescriptor Small { get; }

    public int Opened { get; private set; }

    public byte[] this[ContentDigest digest] => _blobs[digest];

    public int Count => _blobs.Count;

    public ValueTask<long?> GetLengthAsync(ContentDigest digest, CancellationToken cancellationToken) => ValueTask.FromResult<long?>(_blobs.GetValueOrDefault(digest)?.Length);

    public ValueTask<Stream> OpenAsync(ContentDigest digest, CancellationToken cancellationToken)
    {
        Opened++;
        return ValueTask.FromResult<Stream>(new MemoryStream(_blobs[digest], writable: false));
    }

    /// <summary>Loses a content, as a pull of one platform leaves an index.</summary>
    public void Remove(ContentDigest digest) => _blobs.Remove(digest);

    /// <summary>Adds an image for a version of Windows, which only its configuration states.</summary>
    public OciDescriptor AddWindows(string version, int seed = 1)
    {
        OciDescriptor config = Add(OciMediaTypes.Config, Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"windows","os.version":"{{{version}}}","os.features":["win32k"],"author":"{{{seed}}}","rootfs":{"type":"layers","diff_ids":[]}}"""));
        return Add(OciMediaTypes.Manifest, Json(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = OciMediaTypes.Manifest, ["config"] = ToJson(config), ["layers"] = new JsonArray(ToJson(Small)) }));
    }

    /// <summary>Puts the image into a registry, past its service.</summary>
    public void PutInto(FaultyRegistry registry, string repository, string tag)
    {
        foreach ((ContentDigest digest, byte[] bytes) in _blobs)
        {
            string text = Encoding.UTF8.GetString(bytes, 0, Math.Min(bytes.Length, 100));
            if (text.StartsWith("{\"schemaVersion\"", StringComparison.Ordinal))
            {
                registry.Manifests[(repository, digest.ToString())] = (text.Contains(OciMediaTypes.Index, StringComparison.Ordinal) ? OciMediaTypes.Index : OciMediaTypes.Manifest, bytes);
            }
            else
            {
                registry.Blobs[(repository, digest.ToString())] = bytes;
            }
        }

        registry.Manifests[(repository, tag)] = (OciMediaTypes.Index, _blobs[Target.Digest]);
    }

    internal static JsonObject ToJson(OciDescriptor d) => new() { ["mediaType"] = d.MediaType, ["digest"] = d.Digest.ToString(), ["size"] = d.Size };

    private static JsonObject With(JsonObject json, string name, JsonNode value)
    {
        json[name] = value;
        return json;
    }

    private static byte[] Json(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private OciDescriptor Manifest(string architecture)
    {
        string diff = "sha256:" + Convert.ToHexStringLower(SHA256.HashData("diff"u8));
        OciDescriptor config = Add(OciMediaTypes.Config, Encoding.UTF8.GetBytes($$$"""{"architecture":"{{{architecture}}}","os":"linux","created":"2026-01-02T03:04:05Z","config":{"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["{{{diff}}}","{{{diff}}}"]}}"""));
        return Add(OciMediaTypes.Manifest, Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMediaTypes.Manifest,
            ["config"] = ToJson(config),
            ["layers"] = new JsonArray(ToJson(Large), ToJson(Small)),
        }));
    }

    private OciDescriptor Add(string mediaType, byte[] bytes)
    {
        OciDescriptor descriptor = new(mediaType, ContentDigest.Of(bytes), bytes.Length);
        _blobs[descriptor.Digest] = bytes;
        return descriptor;
    }
}
