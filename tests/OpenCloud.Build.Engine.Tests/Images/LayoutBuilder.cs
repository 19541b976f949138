using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenCloud.Build.Engine.Tests.Images;

/// <summary>Writes OCI layouts by hand, with all that a well-behaved builder would never produce.</summary>
internal sealed class LayoutBuilder(string root)
{
    private readonly JsonArray _manifests = [];

    public string Root { get; } = root;

    public JsonObject AddBlob(byte[] content, string mediaType)
    {
        string hex = Convert.ToHexStringLower(SHA256.HashData(content));
        Directory.CreateDirectory(Path.Combine(Root, "blobs", "sha256"));
        File.WriteAllBytes(BlobPath("sha256:" + hex), content);
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = "sha256:" + hex, ["size"] = content.Length };
    }

    public string BlobPath(string digest)
    {
        return Path.Combine(Root, "blobs", "sha256", digest["sha256:".Length..]);
    }

    public JsonObject AddJson(JsonNode document, string mediaType)
    {
        return AddBlob(Encoding.UTF8.GetBytes(document.ToJsonString()), mediaType);
    }

    /// <summary>An image of one platform with one layer that holds one file.</summary>
    public JsonObject AddManifest(string architecture, string content, string? variant = null, JsonObject? labels = null)
    {
        byte[] tar = Tar("file", content);
        JsonObject layer = AddBlob(Gzip(tar), "application/vnd.oci.image.layer.v1.tar+gzip");
        JsonObject config = new()
        {
            ["created"] = "2024-05-06T07:08:09Z",
            ["architecture"] = architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Labels"] = labels ?? new JsonObject { ["purpose"] = "test" } },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray("sha256:" + Convert.ToHexStringLower(SHA256.HashData(tar))) },
        };
        JsonObject platform = new() { ["architecture"] = architecture, ["os"] = "linux" };
        if (variant is not null)
        {
            config["variant"] = variant;
            platform["variant"] = variant;
        }

        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = AddJson(config, "application/vnd.oci.image.config.v1+json"),
            ["layers"] = new JsonArray(layer),
        };
        JsonObject descriptor = AddJson(manifest, "application/vnd.oci.image.manifest.v1+json");
        descriptor["platform"] = platform;
        return descriptor;
    }

    /// <summary>An attestation manifest about another manifest, as BuildKit stores it.</summary>
    public JsonObject AddAttestation(JsonObject about)
    {
        JsonObject statement = AddBlob(Encoding.UTF8.GetBytes($$"""{"about":"{{about["digest"]}}"}"""), "application/vnd.in-toto+json");
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = AddJson(
                new JsonObject { ["architecture"] = "unknown", ["os"] = "unknown", ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(statement["digest"]!.GetValue<string>()) } },
                "application/vnd.oci.image.config.v1+json"),
            ["layers"] = new JsonArray(statement),
        };
        JsonObject descriptor = AddJson(manifest, "application/vnd.oci.image.manifest.v1+json");
        descriptor["platform"] = new JsonObject { ["architecture"] = "unknown", ["os"] = "unknown" };
        descriptor["annotations"] = new JsonObject
        {
            ["vnd.docker.reference.digest"] = about["digest"]!.GetValue<string>(),
            ["vnd.docker.reference.type"] = "attestation-manifest",
        };
        return descriptor;
    }

    public JsonObject AddIndex(params JsonObject[] manifests)
    {
        JsonObject index = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.index.v1+json",
            ["manifests"] = new JsonArray([.. manifests.Select(static m => m.DeepClone())]),
        };
        return AddJson(index, "application/vnd.oci.image.index.v1+json");
    }

    /// <summary>Names an image.</summary>
    public LayoutBuilder Name(JsonObject target, string? name)
    {
        JsonObject named = (JsonObject)target.DeepClone();
        named.Remove("platform");
        if (name is not null)
        {
            named["annotations"] = new JsonObject { ["io.containerd.image.name"] = name };
        }

        _manifests.Add(named);
        return this;
    }

    /// <summary>Writes what makes it a layout.</summary>
    public LayoutBuilder Complete()
    {
        Directory.CreateDirectory(Root);
        File.WriteAllText(Path.Combine(Root, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        JsonObject index = new() { ["schemaVersion"] = 2, ["manifests"] = _manifests.DeepClone() };
        File.WriteAllText(Path.Combine(Root, "index.json"), index.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        return this;
    }

    /// <summary>The layout as a tar.</summary>
    public string ToTar(string path)
    {
        TarFile.CreateFromDirectory(Root, path, includeBaseDirectory: false);
        return path;
    }

    public static byte[] Tar(string name, string content)
    {
        using MemoryStream stream = new();
        using (TarWriter writer = new(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)),
                ModificationTime = DateTimeOffset.UnixEpoch,
            });
        }

        return stream.ToArray();
    }

    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream stream = new();
        using (GZipStream gzip = new(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return stream.ToArray();
    }
}
