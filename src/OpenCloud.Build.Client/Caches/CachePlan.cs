using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Caches;

/// <summary>
/// The caches of a build: their part of the solve request, and the local directories that the engine reads and writes as content stores of the session.
/// </summary>
/// <remarks>Names, attributes and who writes <c>index.json</c>: moby/buildkit, client/solve.go and cache/remotecache/local.</remarks>
internal sealed class CachePlan
{
    private const string StorePrefix = "local:";
    private const string DefaultTag = "latest";

    private readonly List<CacheOptionsEntry> _imports = [];
    private readonly List<CacheOptionsEntry> _exports = [];
    private readonly List<(string Directory, string Tag, LayoutContentStore Store)> _written = [];
    private readonly List<string> _warnings = [];

    private CachePlan()
    {
    }

    public IReadOnlyList<string> Warnings => _warnings;

    /// <exception cref="ImageBuildException">A cache lacks what it needs.</exception>
    public static CachePlan Create(ImageBuildRequest build, EngineProfile engine, ContentStoreService stores)
    {
        CachePlan plan = new();
        foreach (BuildCache cache in build.CacheTo)
        {
            plan.AddExport(cache, build, engine, stores);
        }

        foreach (BuildCache cache in build.CacheFrom)
        {
            plan.AddImport(cache, engine, stores);
        }

        return plan;
    }

    public void Apply(SolveRequest request)
    {
        request.Cache ??= new CacheOptions();
        request.Cache.Imports.Add(_imports);
        request.Cache.Exports.Add(_exports);
        if (_imports.Count > 0)
        {
            // A frontend imports them itself and gets them in JSON.
            JsonArray imports = [.. _imports.Select(static i => new JsonObject
            {
                ["Type"] = i.Type,
                ["Attrs"] = new JsonObject(i.Attrs.Select(static a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))),
            })];
            request.FrontendAttrs["cache-imports"] = imports.ToJsonString();
        }
    }

    /// <summary>After a successful build: points the tags of written directories to what was written.</summary>
    public void Commit(IReadOnlyDictionary<string, string> response)
    {
        if (_written.Count == 0 || response.GetValueOrDefault("cache.manifest") is not { } json)
        {
            return;
        }

        JsonObject descriptor = JsonForm.TryParseObject(Encoding.UTF8.GetBytes(json))
            ?? throw new IOException($"The engine's description of the cache in '{_written[0].Directory}' is not JSON.");

        foreach ((string directory, string tag, LayoutContentStore store) in _written)
        {
            if (ContentDigest.TryParse(JsonForm.Text(descriptor, "digest"), out ContentDigest digest) && store.GetLength(digest) is not null)
            {
                new LayoutIndexFile(directory).Put(descriptor, [tag]);
            }
        }
    }

    private static CacheOptionsEntry EntryOf(BuildCache cache)
    {
        CacheOptionsEntry entry = new() { Type = cache.Type };
        entry.Attrs.Add(cache.Attributes.ToDictionary(StringComparer.Ordinal));
        return entry;
    }

    private static string Required(BuildCache cache, string attribute, string direction, EngineProfile engine)
        => cache.Attributes.GetValueOrDefault(attribute) is { Length: > 0 } value
            ? value
            : throw OutputPlan.Refuse(engine, $"A {cache.Type} cache to {direction} requires the attribute '{attribute}'.");

    private void AddExport(BuildCache cache, ImageBuildRequest build, EngineProfile engine, ContentStoreService stores)
    {
        CacheOptionsEntry entry = EntryOf(cache);
        switch (cache.Type)
        {
            case BuildCache.Registry:
                Required(cache, "ref", "write", engine);
                break;
            case BuildCache.Local:
                string directory = Path.GetFullPath(Required(cache, "dest", "write", engine));
                if (cache.Attributes.ContainsKey("reset"))
                {
                    throw OutputPlan.Refuse(engine, "The attribute 'reset' of a local cache is not supported; delete the directory to start with an empty cache.");
                }

                if (File.Exists(directory))
                {
                    throw OutputPlan.Refuse(engine, $"'{directory}' is a file; a local cache requires a directory.");
                }

                entry.Attrs["dest"] = directory;
                LayoutContentStore store = LayoutContentStore.OpenWrite(directory, build.Limits.MaxTotalBytes);
                stores.Set(StorePrefix + directory, store);
                _written.Add((directory, cache.Attributes.GetValueOrDefault("tag", DefaultTag), store));
                break;
        }

        _exports.Add(entry);
    }

    private void AddImport(BuildCache cache, EngineProfile engine, ContentStoreService stores)
    {
        CacheOptionsEntry entry = EntryOf(cache);
        switch (cache.Type)
        {
            case BuildCache.Registry:
                Required(cache, "ref", "read", engine);
                break;
            case BuildCache.Inline:
                throw OutputPlan.Refuse(engine, "An inline cache is imported with the image: use type=registry with the image reference.");
            case BuildCache.Local:
                string directory = Path.GetFullPath(Required(cache, "src", "read", engine));
                if (FindDigest(cache, directory) is not { } digest)
                {
                    return;
                }

                entry.Attrs["src"] = directory;
                entry.Attrs["digest"] = digest;
                if (!stores.Names.Contains(StorePrefix + directory))
                {
                    stores.Set(StorePrefix + directory, LayoutContentStore.OpenRead(directory));
                }

                break;
        }

        _imports.Add(entry);
    }

    /// <summary>A missing cache is normal for the first build, and only costs time.</summary>
    private string? FindDigest(BuildCache cache, string directory)
    {
        string tag = cache.Attributes.GetValueOrDefault("tag", DefaultTag);
        try
        {
            string? digest = cache.Attributes.GetValueOrDefault("digest") is { Length: > 0 } given ? given : new LayoutIndexFile(directory).Find(tag);
            if (digest is null)
            {
                _warnings.Add($"The local cache in '{directory}' is not used: the tag '{tag}' does not exist in it.");
            }
            else if (!ContentDigest.TryParse(digest, out ContentDigest parsed) || LayoutContentStore.OpenRead(directory).GetLength(parsed) is null)
            {
                _warnings.Add($"The local cache in '{directory}' is not used: {digest} is missing.");
                return null;
            }

            return digest;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            _warnings.Add($"The local cache in '{directory}' is not used: {e.Message}");
            return null;
        }
    }
}
