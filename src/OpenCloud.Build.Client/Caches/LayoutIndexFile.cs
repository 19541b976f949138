using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Caches;

/// <summary>The <c>index.json</c> of an OCI layout that builds write to: names refer to descriptors, each name to one only.</summary>
/// <remarks>
/// OCI image specification, image-layout.md; the annotations as moby/buildkit, client/ociindex, writes them. The lock file is the same, too, so
/// that builds of either client can share a directory.
/// </remarks>
internal sealed class LayoutIndexFile(string directory)
{
    private const string NewIndex = """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""";
    private const int ExclusiveWithoutWaiting = 2 | 4;
    private const int MostAttempts = 200;
    private const UnixFileMode LockMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const string Layout = """{"imageLayoutVersion":"1.0.0"}""";

    private string IndexPath => Path.Combine(directory, "index.json");

    /// <summary>The digest that a tag refers to; null when there is no index or no such tag.</summary>
    public string? Find(string tag)
    {
        JsonObject? index = ReadIndex();
        return Manifests(index).LastOrDefault(m => Annotation(m, OciLayoutIndex.RefNameAnnotation) == tag)?["digest"]?.GetValue<string>();
    }

    /// <summary>Points names (whole references or plain tags) to a descriptor.</summary>
    public void Put(JsonObject descriptor, IReadOnlyList<string> tags)
    {
        Directory.CreateDirectory(directory);

        // What the index refers to reaches the disk before the index does.
        LastingFile.SynchronizeFileSystem(directory);
        using FileStream guard = Lock();
        JsonObject index = ReadIndex() ?? JsonForm.TryParseObject(Encoding.UTF8.GetBytes(NewIndex))!;
        JsonArray manifests = [];
        foreach (JsonObject manifest in Manifests(index))
        {
            if (!tags.Any(tag => IsNamed(manifest, tag)))
            {
                manifests.Add(manifest.DeepClone());
            }
        }

        foreach (string tag in tags)
        {
            JsonObject named = descriptor.DeepClone().AsObject();
            JsonObject annotations = named["annotations"] as JsonObject ?? [];
            named["annotations"] = annotations;
            if (tag.Contains('/'))
            {
                annotations[OciLayoutIndex.ImageNameAnnotation] = tag;
                annotations[OciLayoutIndex.RefNameAnnotation] = ImageReference.Parse(tag).Tag ?? ImageReference.DefaultTag;
            }
            else
            {
                annotations[OciLayoutIndex.RefNameAnnotation] = tag;
            }

            manifests.Add(named);
        }

        index["manifests"] = manifests;
        OutputPlace.Of(Path.Combine(directory, "oci-layout")).Write(Layout);
        OutputPlace.Of(IndexPath).Write(index.ToJsonString(JsonForm.Compact));
    }

    private static string? Annotation(JsonObject manifest, string name)
        => JsonForm.Text(manifest["annotations"], name);

    private static bool IsNamed(JsonObject manifest, string tag) => tag.Contains('/')
        ? Annotation(manifest, OciLayoutIndex.ImageNameAnnotation) == tag
        : Annotation(manifest, OciLayoutIndex.ImageNameAnnotation) is null && Annotation(manifest, OciLayoutIndex.RefNameAnnotation) == tag;

    private static IEnumerable<JsonObject> Manifests(JsonNode? index)
        => index?["manifests"] is JsonArray manifests ? manifests.OfType<JsonObject>() : [];

    private JsonObject? ReadIndex()
    {
        try
        {
            return JsonForm.TryParseObject(InputFile.ReadRegular(IndexPath, OciJson.MaxManifestBytes).Bytes)
                ?? throw new IOException($"'{IndexPath}' is not the index of an OCI layout.");
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Waits for the lock, which is held only for a write.</summary>
    private FileStream Lock()
    {
        FileStream file = OwnFile.Open(RealPaths.Resolve(directory) + "/index.json.lock", LockMode);
        for (int attempt = 0; LinuxCalls.Lock(DirectoryWalk.Number(file.SafeFileHandle), ExclusiveWithoutWaiting) != 0; attempt++)
        {
            if (attempt == MostAttempts)
            {
                file.Dispose();
                throw new IOException($"Another build holds the lock of the OCI layout in '{directory}'.");
            }

            Thread.Sleep(50);
        }

        return file;
    }
}
