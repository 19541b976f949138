using System.Net.Sockets;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>
/// Shares a rootless engine with a group. The engine's own socket lies in its user's runtime directory, which no other user may
/// enter, and the group's id has no mapping in the engine's user namespace. So the engine gets a second socket in a set-gid
/// directory that the user owns and the group may enter; files created there belong to the group. Clients build as the engine's user.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
/// <param name="probe">Queries the engine over gRPC.</param>
public sealed class RootlessAccess(IHostObserver observer, EngineProbe probe)
{
    private const string ShareRecords = ChangeJournal.StateDirectory + "/rootless-share";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Grants access.</summary>
    /// <param name="request">The users and services. A missing group is created; its default name is <c>buildkit-USER</c>.</param>
    /// <param name="engineUser">The engine's user; null when there is only one rootless engine.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">Access cannot be granted; nothing is changed.</exception>
    public async Task<IReadOnlyList<AccessReport>> GrantAsync(AccessRequest request, string? engineUser, bool planOnly, CancellationToken cancellationToken)
    {
        (RootlessPaths? layout, InstallationManifest? manifest) = Engine(engineUser, planOnly);
        RequireKnown(request);
        string group = layout.SharedGroup is { } shared && (request.Group is null || request.Group == shared) ? shared : request.Group ?? DefaultGroup(layout.User.Name);
        if (layout.SharedGroup is { } other && other != group)
        {
            throw new HostException(HostErrorKind.Conflict, $"The engine of {layout.User.Name} is already shared with the group '{other}'.", $"Do not use -Group, or revoke the access first: Revoke-BuildKitAccess -Rootless.", group);
        }

        if (AccountDatabase.FindGroup(group) is not { } known)
        {
            AccountDatabase.CheckNewGroup(group);
        }
        else if (known.Gid == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group 'root' cannot be used to share an engine.", target: group);
        }

        observer.Warning($"Members of the group '{group}' get the rights of {layout.User.Name}: the engine reads and changes what {layout.User.Name} can, and runs programs as that user.");
        using (HostLock? hostLock = planOnly ? null : HostLock.Take(TimeSpan.FromMinutes(2), observer.Warning, cancellationToken))
        {
            ChangeJournal journal = planOnly ? ChangeJournal.Empty() : ChangeJournal.Open(RecordsOf(layout));
            StepRunner runner = new(observer, journal);
            try
            {
                await runner.GuardAsync(() => ShareAsync(layout, manifest, group, runner, journal, planOnly, cancellationToken)).ConfigureAwait(false);
            }
            finally
            {
                if (!planOnly)
                {
                    DropEmpty(layout);
                }
            }
        }

        if (AccountDatabase.FindGroup(group) is null)
        {
            // Only a plan has no group at this point.
            return [.. request.Users.Select(user => Absent(user, PrincipalKind.User)), .. request.Services.Select(service => Absent(service, PrincipalKind.Service))];
        }

        return With(layout, new BuildKitAccess(observer) { ActsAs = layout.User.Name }.Grant(request with { Group = group }, planOnly));

        AccessReport Absent(string name, PrincipalKind kind) => new(name, kind, group, "not a member", "not a member", null, false) { Address = "unix://" + layout.SharedSocket };
    }

    /// <summary>Revokes access; with the last grant, the second socket, its directory and a group created for it are removed too.</summary>
    /// <param name="request">The users and services.</param>
    /// <param name="engineUser">The engine's user; null when there is only one rootless engine.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="HostException">The engine is not shared, or a principal does not exist.</exception>
    public IReadOnlyList<AccessReport> Revoke(AccessRequest request, string? engineUser, bool planOnly, CancellationToken cancellationToken)
    {
        (RootlessPaths? layout, InstallationManifest _) = Engine(engineUser, planOnly);
        string group = layout.SharedGroup
            ?? throw new HostException(HostErrorKind.NotFound, $"The engine of {layout.User.Name} is not shared with a group.", target: layout.User.Name);
        IReadOnlyList<AccessReport> reports = With(layout, new BuildKitAccess(observer).Revoke(request with { Group = group }, planOnly));
        if (!planOnly && AccountDatabase.FindGroup(group) is { Members.Count: 0 } && ServiceGrant.UnitsWith(group).Count == 0)
        {
            using HostLock hostLock = HostLock.Take(TimeSpan.FromMinutes(2), observer.Warning, cancellationToken);
            Unshare(layout, observer, planOnly: false, restart: true, cancellationToken);
        }

        return reports;
    }

    /// <summary>Ends the sharing if there is any. Needs root.</summary>
    internal static void Unshare(RootlessPaths layout, IHostObserver observer, bool planOnly, bool restart, CancellationToken cancellationToken)
    {
        if (InstallationManifest.Load(RecordsOf(layout)) is not { } manifest)
        {
            return;
        }

        new ManifestRemoval(observer).Remove(manifest, purge: true, planOnly, cancellationToken, RecordsOf(layout));
        if (planOnly)
        {
            return;
        }

        DropEmpty(layout);
        ManagedUnit unit = new(layout.Unit, layout.SystemUnit ? null : layout.User.Name);
        if (restart && unit.CanBeAsked && unit.IsActive)
        {
            unit.Restart(cancellationToken);
        }
    }

    private static string RecordsOf(RootlessPaths layout) => $"{ShareRecords}/{layout.User.Name}";

    private static void DropEmpty(RootlessPaths layout)
    {
        ChangeJournal.RemoveStateIfEmpty(RecordsOf(layout));
        ChangeJournal.RemoveStateIfEmpty(ShareRecords);
        ChangeJournal.RemoveStateIfEmpty();
    }

    private static string DefaultGroup(string user) => "buildkit-" + (user.Length > 23 ? user[..23] : user);

    private static IReadOnlyList<AccessReport> With(RootlessPaths layout, IReadOnlyList<AccessReport> reports)
        => [.. reports.Select(report => report with { Address = "unix://" + layout.SharedSocket })];

    private static (RootlessPaths Layout, InstallationManifest Manifest) Engine(string? engineUser, bool planOnly)
    {
        if (!planOnly && Identity.Current().Uid != 0)
        {
            throw new HostException(HostErrorKind.NotRoot, "Changing the access to an engine requires root.", "Run the command as root.");
        }

        if (engineUser is null)
        {
            InstallationManifest[] all = RootlessInstallations.OfRoot().Where(manifest => manifest.IsInstalled).ToArray();
            engineUser = all.Length == 1 ? all[0].Rootless!.User
                : throw new HostException(
                    HostErrorKind.InvalidInput,
                    all.Length == 0 ? "root did not install a rootless engine on this host." : $"There are several rootless engines: {string.Join(", ", all.Select(manifest => manifest.Rootless!.User))}.",
                    "Use -EngineUser NAME to select one.");
        }

        return RootlessInstallations.OfUser(engineUser)
            ?? throw new HostException(HostErrorKind.NotFound, $"'{AccountDatabase.Printable(engineUser)}' does not have an engine that this module installed.", $"Run Install-BuildKit -Rootless -User {engineUser} first.", engineUser);
    }

    private static void RequireKnown(AccessRequest request)
    {
        if (request.Users.Count + request.Services.Count == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "No user and no service was specified.");
        }

        foreach (string user in request.Users)
        {
            _ = AccountDatabase.FindUser(user)
                ?? throw new HostException(HostErrorKind.NotFound, $"The user '{AccountDatabase.Printable(user)}' does not exist.", "See 'getent passwd' for user names.", AccountDatabase.Printable(user));
        }

        foreach (string service in request.Services)
        {
            _ = ServiceAccount.Find(service);
        }
    }

    private async Task<bool> ShareAsync(RootlessPaths layout, InstallationManifest manifest, string group, StepRunner runner, ChangeJournal journal, bool planOnly, CancellationToken cancellationToken)
    {
        ManagedUnit unit = new(layout.Unit, layout.SystemUnit ? null : layout.User.Name);
        string? actor = layout.SystemUnit ? null : layout.User.Name;

        // The program may belong to the user, who can replace it.
        string network = ActingUser.Run(layout.AsRoot ? null : layout.User.Name, () => RootlessNetwork.Choose(new HostView(), manifest.Rootless!.RootlessKit, bringsRootlessKit: false)).Driver;
        RootlessUnitTemplates texts = new(layout, BuildKitVersion.Parse(manifest.Version), manifest.Rootless!.RootlessKit, network);
        RootlessSteps.RequireOurs(layout.ShareTmpfiles, RootlessUnitTemplates.ShareRule(layout, group), null);
        RootlessSteps.RequireOurs(layout.ShareDropIn, texts.Share, planOnly ? null : actor);
        bool exchanged = false;
        void Before()
        {
            if (!exchanged && unit.IsActive)
            {
                journal.Append(new RootlessUnitRestored(layout.Unit, actor));
            }

            exchanged = true;
        }

        runner.Run(
            new HostStep(
                StepKind.Group,
                group,
                "Create the group",
                () => AccountDatabase.FindGroup(group) is not null,
                () => new GroupCreated(group),
                stop => HostCommand.Require("groupadd", ["--system", "--", group], stop)),
            cancellationToken);
        foreach (HostStep step in RootlessSteps.Folders(Path.GetDirectoryName(layout.ShareTmpfiles)!, null))
        {
            runner.Run(step, cancellationToken);
        }

        runner.Run(RootlessSteps.Write(layout.ShareTmpfiles, RootlessUnitTemplates.ShareRule(layout, group), null), cancellationToken);
        foreach (HostStep step in RootlessSteps.Folders(RootlessPaths.SharedRoot, null))
        {
            runner.Run(step, cancellationToken);
        }

        runner.Run(
            new HostStep(
                StepKind.File,
                layout.SharedDirectory,
                "Create the directory",
                () => FileStatus.Read(layout.SharedDirectory) is { Type: InodeType.Directory, Mode: 0x5e8 } status && status.Uid == layout.User.Uid && status.Gid == AccountDatabase.FindGroup(group)?.Gid,
                () => new DirectoryCreated(layout.SharedDirectory, WithContent: true),
                stop => HostCommand.Require("systemd-tmpfiles", ["--create", layout.ShareTmpfiles], stop)),
            cancellationToken);
        foreach (HostStep step in RootlessSteps.Folders(Path.GetDirectoryName(layout.ShareDropIn)!, actor))
        {
            runner.Run(step, cancellationToken);
        }

        runner.Run(RootlessSteps.Write(layout.ShareDropIn, texts.Share, actor, Before, unit.Reload), cancellationToken);
        if (planOnly || runner.AnySkipped)
        {
            return false;
        }

        if (exchanged || !File.Exists(layout.SharedSocket))
        {
            runner.Run(new HostStep(StepKind.Unit, layout.Unit, "Restart the unit", () => false, () => null, unit.Restart), cancellationToken);
        }

        await VerifyAsync(layout, group, cancellationToken).ConfigureAwait(false);
        if (journal.Changes.Count > 0)
        {
            InstallationManifest? before = InstallationManifest.Load(RecordsOf(layout));
            (manifest with
            {
                Programs = new Dictionary<string, string>(),
                Previous = null,
                Group = group,
                InstalledAt = DateTimeOffset.UtcNow,
                Changes = InstallationManifest.Merge(before?.Changes ?? [], journal.Changes),
            }).Save(RecordsOf(layout));
            journal.Close();
        }

        return true;
    }

    // Connects as a member of the group, then as a user without any membership.
    private async Task VerifyAsync(RootlessPaths layout, string group, CancellationToken cancellationToken)
    {
        uint gid = AccountDatabase.FindGroup(group)!.Gid;
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            await probe(new NetworkStream(IdentityThread.Connect(layout.SharedSocket, Identity.NobodyIn(gid), limit.Token), ownsSocket: true), limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not HostException && !cancellationToken.IsCancellationRequested)
        {
            throw new HostException(HostErrorKind.EngineSilent, $"The engine does not answer a member of '{group}' at {layout.SharedSocket}: {error.Message}", $"Run Test-BuildKitSocket unix://{layout.SharedSocket} -Detailed to see what prevents access.", layout.SharedSocket, error);
        }

        try
        {
            using Socket open = IdentityThread.Connect(layout.SharedSocket, new Identity(Identity.Nobody, Identity.Nobody, []));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            return;
        }

        throw new HostException(HostErrorKind.Conflict, $"Every user has access to {layout.SharedSocket}.", $"Check the modes and ACLs of {layout.SharedDirectory}.", layout.SharedSocket);
    }
}
