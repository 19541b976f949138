using System.Security.Cryptography;
using System.Text;
using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Context.Tree;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// What goes into a build from this machine, and how the frontend is told of it: the context, the Dockerfile and the named contexts, as
/// directories, archives and OCI layouts that the session serves, and as the attributes that name them.
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

    private BuildInputs()
    {
    }

    /// <summary>Directories, by the names under which the daemon asks for them.</summary>
    public IReadOnlyList<ContextSource> Directories => _directories;

    /// <summary>Paths of OCI layouts, by the names of their stores.</summary>
    public IReadOnlyDictionary<string, string> Layouts => _layouts;

    /// <summary>Paths of archives, by the ids under which the daemon fetches them.</summary>
    public IReadOnlyDictionary<string, string> Archives => _archives;

    /// <summary>The frontend's attributes.</summary>
    public IReadOnlyDictionary<string, string> Attributes => _attributes;

    /// <summary>Finds out what a build needs; nothing but what it names is looked at.</summary>
    /// <param name="build">The build.</param>
    /// <param name="dockerfile">Its Dockerfile, where it is a file of this machine.</param>
    /// <exception cref="IOException">Something named does not exist or is not what it should be.</exception>
    /// <exception cref="InvalidDataException">An archive or a layout is none.</exception>
    /// <exception cref="FormatException">A named context cannot be one.</exception>
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

    /// <summary>A content service that has the OCI layouts of the named contexts; more stores may be added to it.</summary>
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
                // Without this the frontend looks for it in the context that it fetched.
                _attributes["dockerfilekey"] = DockerfileName;
            }
        }
    }

    private void AddNamed(NamedContext context)
    {
        string attribute = "context:" + context.Name;
        if (_attributes.ContainsKey(attribute))
        {
            throw new FormatException($"Two build contexts are named '{context.Name}'.");
        }

        switch (context.Kind)
        {
            case NamedContextKind.Directory:
                // The daemon finds its copy of a directory by this name: it is the directory's own, so that another one that takes
                // the name later never meets files of the first.
                string local = $"named-{Mark(context.Value)}-{context.Name}";
                _directories.Add(new DirectoryContextSource(local, context.Value));
                _attributes[attribute] = "local:" + local;
                break;
            case NamedContextKind.OciLayout:
                string store = "layout" + Mark(context.Layout!.Path);
                _layouts[store] = context.Layout.Path;
                _attributes[attribute] = $"{OciLayoutReference.Scheme}{store}@{context.Layout.Digest}";
                break;
            default:
                _attributes[attribute] = context.Value;
                break;
        }

        // A frontend that is an image of its own is asked whether it knows of named contexts.
        _attributes["frontend.caps"] = "moby.buildkit.frontend.contexts+forward";
    }

    private static string Mark(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 6));
}
