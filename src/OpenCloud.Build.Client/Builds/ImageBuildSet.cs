using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Fleet;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Wire.Grpc;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// Builds of one engine that belong together, such as the targets of a bake file. A directory that several of them have as context is sent once; the
/// result of a build can be a context of others (<c>target:name</c>), and stays in the engine. A build that has nothing in common with the others
/// runs as it does alone. <see cref="BuildGraph"/> gives the order.
/// </summary>
public sealed class ImageBuildSet : IAsyncDisposable
{
    private readonly EngineChannel _channel;
    private readonly Dictionary<string, EngineChannel> _channels = new(StringComparer.Ordinal);
    private readonly EngineProfile _engine;
    private readonly Dictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SolvedBuild> _solved = new(StringComparer.Ordinal);
    private readonly ImageBuildRequest _credentials;
    private readonly CancellationTokenSource _end = new();

    internal ImageBuildSet(EngineChannel channel, EngineProfile engine, IReadOnlyDictionary<string, ImageBuildRequest> requests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        _channel = channel;
        _engine = engine;
        HashSet<string> used = [.. requests.Values.SelectMany(static r => r.DependsOn)];
        foreach ((string name, ImageBuildRequest request) in requests)
        {
            string place = PlaceOf(request, out bool isDirectory);
            _members[name] = new Member(Read(request, cancellationToken), place, used.Contains(name), isDirectory);
        }

        foreach (IGrouping<string, Member> group in _members.Values.GroupBy(static m => m.Place, StringComparer.Ordinal))
        {
            if (group.Any(static m => m.IsUsed) || (group.Skip(1).Any() && group.First().IsDirectory))
            {
                _groups[group.Key] = new Group([.. group]);
            }
        }

        // What builds have in common is on one node, the one of the first of them. A build that has nothing in common chooses its own.
        Dictionary<string, string> components = BuildComponents.Of(_members.Select(m => (m.Key, _groups.ContainsKey(m.Value.Place) ? m.Value.Place : null, m.Value.Request.DependsOn)));
        foreach ((string name, Member member) in _members.Where(m => _groups.ContainsKey(m.Value.Place) || m.Value.Request.DependsOn.Count > 0))
        {
            string first = components[name];
            _channels[name] = _channels.GetValueOrDefault(first) ?? channel.For(_members[first].Request.ContextPath);
            _channels.TryAdd(first, _channels[name]);
        }

        // The engine asks any session of the builds that use an operation, so each must have the credentials of all.
        _credentials = new ImageBuildRequest
        {
            ContextPath = "/",
            RegistryHosts = [.. _members.Values.SelectMany(static m => RegistryHosts.Of(m.Request, m.Request.DockerfileContent).Named).Distinct(RegistryHosts.Comparer)],
            RegistryCredentials = _members.Values.SelectMany(static m => m.Request.RegistryCredentials).GroupBy(static c => c.Key, RegistryHosts.Comparer).ToDictionary(static g => g.Key, static g => g.First().Value, StringComparer.Ordinal),
            DockerConfigDirectory = _members.Values.Select(static m => m.Request.DockerConfigDirectory).FirstOrDefault(static d => d is not null),
        };
    }

    /// <summary>
    /// Builds one of the set. Builds may run side by side; the results of those that it uses must be known
    /// (<see cref="IBuildObserver.OnResultKnown"/>), and their steps run before its own.
    /// </summary>
    /// <param name="name">The name of the build.</param>
    /// <param name="observer">Receives the events of the build; null for none.</param>
    /// <param name="cancellationToken">Cancels the build, here and on the daemon.</param>
    /// <exception cref="ArgumentException">The set has no build of this name.</exception>
    /// <exception cref="ImageBuildException">The build failed, or the result of another that it uses is missing.</exception>
    /// <exception cref="EngineConnectException">No pod of a deployment can be used; nothing was sent.</exception>
    /// <exception cref="OperationCanceledException">The build was cancelled.</exception>
    public async Task<ImageBuildResult> BuildAsync(string name, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        if (!_members.TryGetValue(name, out Member? member))
        {
            throw new ArgumentException($"The set has no build '{name}'.", nameof(name));
        }

        _groups.TryGetValue(member.Place, out Group? group);
        if (group is null && member.Request.DependsOn.Count == 0)
        {
            return await ImageBuild.RunAsync(_channel, _engine, member.Request, null, observer, cancellationToken).ConfigureAwait(false);
        }

        ObjectDisposedException.ThrowIf(_end.IsCancellationRequested, this);
        Dictionary<string, SolvedBuild> dependencies;
        try
        {
            dependencies = Dependencies(name, member);
        }
        catch
        {
            group?.Know(member);
            throw;
        }

        ImageBuildRequest request = member.Request with
        {
            RegistryHosts = [.. member.Request.RegistryHosts, .. _credentials.RegistryHosts],
            RegistryCredentials = _credentials.RegistryCredentials.Concat(member.Request.RegistryCredentials).GroupBy(static c => c.Key, StringComparer.Ordinal).ToDictionary(static g => g.Key, static g => g.Last().Value, StringComparer.Ordinal),
        };
        MemberBuild build = new(this, name, member, group, dependencies, observer);
        try
        {
            SharedContext? shared = group is null ? null : await OpenAsync(group, _channels[name], cancellationToken).ConfigureAwait(false);
            return await ImageBuild.RunAsync(_channels[name], _engine, request, new JoinedBuild(shared, dependencies, build), observer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            build.End();
        }
    }

    /// <summary>Ends what the builds share.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
        {
            return;
        }

        await _end.CancelAsync().ConfigureAwait(false);
        foreach (Group group in _groups.Values)
        {
            Task<SharedContext>? opening;
            lock (group)
            {
                opening = group.Opening;
            }

            if (opening is not null)
            {
                await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (opening is { IsCompletedSuccessfully: true })
            {
                await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
        }

        foreach (EngineChannel channel in _channels.Values.Distinct().Where(c => c != _channel))
        {
            await channel.DisposeAsync().ConfigureAwait(false);
        }

        _end.Dispose();
    }

    private static ImageBuildRequest Read(ImageBuildRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return request with { DockerfileContent = DockerfileContent.Of(request, cancellationToken) };
        }
        catch (IOException)
        {
            // The build itself reports it.
            return request;
        }
    }

    private static string PlaceOf(ImageBuildRequest request, out bool isDirectory)
    {
        isDirectory = !ContextLocation.IsAddress(request.ContextPath) && Directory.Exists(request.ContextPath);
        return isDirectory ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.ContextPath)) : request.ContextPath;
    }

    private Dictionary<string, SolvedBuild> Dependencies(string name, Member member)
    {
        Dictionary<string, SolvedBuild> dependencies = new(StringComparer.Ordinal);
        lock (_solved)
        {
            foreach (string other in member.Request.DependsOn)
            {
                dependencies[other] = _solved.GetValueOrDefault(other) ?? throw Missing(name, other);
            }
        }

        return dependencies;
    }

    private ImageBuildException Missing(string name, string other) =>
        new(BuildFailureKind.DependencyFailed, $"The build '{name}' uses the result of '{other}', which has not been built.", null) { Dependency = other, Address = _engine.Address.ToString(), Ref = string.Empty };

    private async Task<SharedContext> OpenAsync(Group group, EngineChannel channel, CancellationToken cancellationToken)
    {
        // A node that cannot be chosen is not a lost engine: nothing has begun.
        await channel.ChooseNodeAsync(cancellationToken).ConfigureAwait(false);
        Task<SharedContext> opening;
        lock (group)
        {
            // A failed attempt belongs to the builds that waited for it. The set stops it, not the build that is first.
            if (group.Opening is null or { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                group.Opening = SharedContext.OpenAsync(channel, [.. group.Members.Select(static m => m.Request)], _credentials, _end.Token);
            }

            opening = group.Opening;
        }

        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is Grpc.Core.RpcException or EngineConnectException)
        {
            throw BuildFailure.From(BuildFailure.Lost(e), new BuildModel(), _engine.Address.ToString(), string.Empty, null, null);
        }
    }

    private sealed record Member(ImageBuildRequest Request, string Place, bool IsUsed, bool IsDirectory);

    private sealed class Group(IReadOnlyList<Member> members)
    {
        private readonly HashSet<Member> _known = new(ReferenceEqualityComparer.Instance);

        public IReadOnlyList<Member> Members => members;

        public Task<SharedContext>? Opening { get; set; }

        /// <summary>Takes that the result of a member is known, or that it has none.</summary>
        public void Know(Member member)
        {
            lock (_known)
            {
                _known.Add(member);
            }
        }

        /// <summary>
        /// Whether the result of a member is of use to others: as a context, or because their Dockerfile is the same and so uses the same part of the
        /// directory. While the engine holds one part, it receives others anew.
        /// </summary>
        public bool NeedsResultOf(Member member)
        {
            lock (_known)
            {
                return member.IsUsed || members.Any(m => !_known.Contains(m) && SharedContext.IdentityOf(m.Request) == SharedContext.IdentityOf(member.Request));
            }
        }
    }

    /// <summary>A running build of the set.</summary>
    private sealed class MemberBuild(ImageBuildSet set, string name, Member member, Group? group, IReadOnlyDictionary<string, SolvedBuild> dependencies, IBuildObserver? observer) : IBuildOfSet
    {
        private SolvedBuild? _solved;

        public bool IsUsed => member.IsUsed;

        public bool IsOfUse => group?.NeedsResultOf(member) == true;

        public void Know(SolvedBuild solved)
        {
            _solved = solved;
            group?.Know(member);
            if (member.IsUsed)
            {
                lock (set._solved)
                {
                    set._solved[name] = solved;
                }

                observer?.OnResultKnown();
            }
        }

        public async Task WaitForOthersAsync(CancellationToken cancellationToken)
        {
            await foreach (Task<bool> ended in Task.WhenEach(dependencies.Values.Select(static d => d.Outcome)).WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (!await ended.ConfigureAwait(false))
                {
                    throw set.Missing(name, dependencies.First(d => d.Value.Outcome == ended).Key);
                }
            }
        }

        /// <summary>Takes the end of the build. A result whose steps have run stays, whatever became of the outputs.</summary>
        public void End()
        {
            group?.Know(member);
            if (_solved is not { } solved)
            {
                return;
            }

            solved.End(isBuilt: false);
            lock (set._solved)
            {
                if (set._solved.GetValueOrDefault(name) == solved && !solved.Outcome.Result)
                {
                    set._solved.Remove(name);
                }
            }
        }
    }
}
