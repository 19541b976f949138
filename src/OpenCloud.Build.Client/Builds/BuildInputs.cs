using System.Security.Cryptography;
using System.Text;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// The local inputs of a build and how the frontend learns of them: context, Dockerfile and named contexts, as directories, archives and OCI
/// layouts that the session serves, and as the attributes that name them.
/// </summary>
/// <remarks>The attributes are those of moby/buildkit, frontend/dockerui/context.go and namedcontext.go.</remarks>
internal sealed class BuildInputs
{
    private const string ContextName = "context";
    private const string DockerfileName = "dockerfile";

    private readonly List<ContextSource> _directories = [];
    private readonly Dictionary<string, string> _layouts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _archives = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _attributes = new(StringComparer.Ordinal);
    private readonly List<(string Attribute, string Target)> _targets = [];

    private BuildInputs()
    {
    }

    /// <summary>Directories, by the names under which the daemon asks for them.</summary>
    public IReadOnlyList<ContextSource> Directories => _directories;

    /// <summary>Paths of OCI layouts, by the names of their stores.</summary>
    public IReadOnlyDictionary<string, string> Layouts => _layouts;

    /// <summary>Paths of archives, by the ids under which the daemon fetches them.</summary>
    public IReadOnlyDictionary<string, string> Archives => _archives;

    public IReadOnlyDictionary<string, string> Attributes => _attributes;

    /// <summary>The attributes of contexts that are results of other builds of the set, with the names of these builds.</summary>
    public IReadOnlyList<(string Attribute, string Target)> Targets => _targets;

    /// <summary>Determines the inputs of a build; reads only what the build names.</summary>
    /// <exception cref="IOException">A named input does not exist or has the wrong type.</exception>
    /// <exception cref="InvalidDataException">An archive or a layout is invalid.</exception>
    /// <exception cref="FormatException">A named context is invalid.</exception>
    public static BuildInputs Of(ImageBuildRequest build, DockerfileContent? dockerfile)
    {
        BuildInputs inputs = new();
        ContextLocation location = ContextLocation.Parse(build.ContextPath);
        inputs.AddContext(location);
        inputs.AddDockerfile(build, dockerfile, location);
        foreach ((string name, string value) in build.NamedContexts)
        {
            inputs.AddNamed(NamedContext.Parse(name, value));
        }

        return inputs;
    }

    /// <summary>The inputs of a request whose context an engine fetches, with its Dockerfile's text under several names.</summary>
    public static BuildInputs OfAddress(ImageBuildRequest build, IReadOnlyList<string> dockerfiles)
    {
        BuildInputs inputs = new();
        byte[] text = Encoding.UTF8.GetBytes(build.DockerfileText!);
        inputs._directories.Add(new MemoryContextSource(DockerfileName, dockerfiles.Select(d => KeyValuePair.Create(d, new ReadOnlyMemory<byte>(text)))));
        inputs._attributes[ContextName] = build.ContextPath;
        inputs._attributes["filename"] = BuildContext.DefaultDockerfile;
        inputs._attributes["dockerfilekey"] = DockerfileName;
        return inputs;
    }

    /// <summary>Creates a content service for the OCI layouts of the named contexts; the caller may add stores to it.</summary>
    public ContentStoreService CreateContentStores()
    {
        ContentStoreService service = new();
        foreach ((string name, string path) in _layouts)
        {
            service.Add("oci:" + name, LayoutContentStore.OpenRead(path));
        }

        return service;
    }

    private void AddContext(ContextLocation location)
    {
        switch (location.Kind)
        {
            case ContextKind.Directory:
                _directories.Add(new DirectoryContextSource(ContextName, location.Value));
                break;
            case ContextKind.Archive:
                string id = BuildIdentity.New();
                _archives.Add(id, location.Value);
                _attributes[ContextName] = UploadService.AddressOf(id);
                break;
            default:
                _attributes[ContextName] = location.Value;
                break;
        }
    }

    private void AddDockerfile(ImageBuildRequest build, DockerfileContent? dockerfile, ContextLocation location)
    {
        _attributes["filename"] = BuildContext.DockerfileNameOf(build, dockerfile);
        if (BuildContext.DockerfileSourceOf(build, dockerfile, DockerfileName) is { } source)
        {
            _directories.Add(source);
            if (location.Kind != ContextKind.Directory)
            {
                // Without this attribute the frontend looks for the Dockerfile in the context.
                _attributes["dockerfilekey"] = DockerfileName;
            }
        }
    }

    private void AddNamed(NamedContext context)
    {
        string attribute = "context:" + context.Name;
        if (_attributes.ContainsKey(attribute) || _targets.Exists(t => t.Attribute == attribute))
        {
            throw new FormatException($"The build context name '{context.Name}' is used twice.");
        }

        switch (context.Kind)
        {
            case NamedContextKind.Directory:
                // The daemon keys its copy of a directory by this name. It is unique to the directory, so that another directory that later has the same
                // context name never receives files of the first.
                string local = $"named-{Mark(context.Value)}-{context.Name}";
                _directories.Add(new DirectoryContextSource(local, context.Value));
                _attributes[attribute] = "local:" + local;
                break;
            case NamedContextKind.OciLayout:
                string store = "layout" + Mark(context.Layout!.Path);
                _layouts[store] = context.Layout.Path;
                _attributes[attribute] = $"{OciLayoutReference.Scheme}{store}@{context.Layout.Digest}";
                break;
            case NamedContextKind.Target:
                _targets.Add((attribute, context.Value));
                break;
            default:
                _attributes[attribute] = context.Value;
                break;
        }

        // A frontend from an image must be asked whether it supports named contexts.
        _attributes["frontend.caps"] = "moby.buildkit.frontend.contexts+forward";
    }

    private static string Mark(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 6));
}
