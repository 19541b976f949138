using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>A client that is measured: one that builds contexts, or one that lists the images of a namespace, which then stands for the context.</summary>
internal interface IBenchClient : IDisposable
{
    /// <summary>What every client calls the image; pushed by none.</summary>
    public const string Image = "docker.io/library/opencloud-build-bench:latest";

    /// <summary>As <c>--client</c> takes it.</summary>
    public string Name { get; }

    /// <summary>The name of the way on which it reaches the engine.</summary>
    public string Way { get; }

    /// <summary>Name and version, and the way, as the results call it.</summary>
    public string Title { get; }

    /// <summary>Is this the work of others?</summary>
    public bool IsPeer { get; }

    /// <summary>Does it build all targets of a bake file at once?</summary>
    public bool BuildsGraphs { get; }

    /// <summary>What it is that is run for a context.</summary>
    public string Describe(string context);

    /// <summary>Called before the first build of a context, for a client that keeps a process: a new one.</summary>
    public void Begin(string warmUpContext);

    /// <summary>Builds a context into an image named <see cref="Image"/> and waits for the end.</summary>
    /// <exception cref="BenchException">The build failed.</exception>
    public Sample Build(string context);
}
