using Grpc.Core;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Failures;

/// <summary>Repositories and addresses that an engine cannot fetch. The texts are those of BuildKit 0.16.0, 0.32.2 and Docker Engine 28.</summary>
public sealed class SourceFailureTests
{
    private const string NoBranch = "failed to solve: failed to read dockerfile: failed to load cache key: error fetching default branch for repository ";
    private const string Exit = "\n: exit status 128";

    [Theory]
    [InlineData(
        NoBranch + "https://h.test/x.git: git stderr:\nfatal: unable to access 'https://h.test/x.git/': Could not resolve host: h.test" + Exit,
        BuildFailureKind.SourceUnavailable,
        "The engine could not fetch the git repository 'https://h.test/x.git': unable to access 'https://h.test/x.git/': Could not resolve host: h.test")]
    [InlineData(
        NoBranch + "git://h.test:1/x.git: git stderr:\nfatal: unable to connect to h.test:\nh.test[0: 127.0.0.1]: errno=Connection refused\n" + Exit,
        BuildFailureKind.SourceUnavailable,
        "The engine could not fetch the git repository 'git://h.test:1/x.git': unable to connect to h.test")]
    [InlineData(
        NoBranch + "https://user:secret@h.test/x.git: git stderr:\nfatal: could not read Username for 'https://h.test': terminal prompts disabled" + Exit,
        BuildFailureKind.SourceDenied,
        "The engine could not fetch the git repository 'https://h.test/x.git': could not read Username for 'https://h.test': terminal prompts disabled")]
    [InlineData(
        NoBranch + "https://h.test/x.git: git stderr:\nfatal: unable to access 'https://h.test/x.git/': The requested URL returned error: 403" + Exit,
        BuildFailureKind.SourceDenied,
        "The engine could not fetch the git repository 'https://h.test/x.git': unable to access 'https://h.test/x.git/': The requested URL returned error: 403")]
    [InlineData(
        NoBranch + "https://h.test/x.git: git stderr:\nfatal: repository 'https://h.test/x.git/' not found" + Exit,
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the git repository 'https://h.test/x.git': repository 'https://h.test/x.git/' not found")]
    [InlineData(
        "failed to read dockerfile: failed to load cache key: no SSH key \"default\" forwarded from the client",
        BuildFailureKind.SourceDenied,
        "The engine could not fetch the git repository 'https://h.test/app.git': it requires an SSH key, and the build has no SSH agent with the name 'default'.")]
    [InlineData(
        "failed to read dockerfile: failed to load cache key: repository does not contain ref nothing, output: \"\"",
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the git repository 'https://h.test/app.git': it does not contain the branch, tag or commit 'nothing'.")]
    [InlineData(
        "failed to read dockerfile: failed to checkout remote git://h.test/x.git: git stderr:\nfatal: reference is not a tree: 1234" + Exit,
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the git repository 'git://h.test/x.git': reference is not a tree: 1234")]
    [InlineData(
        "failed to read dockerfile: invalid subdir /sub: failed to lstat \"sub\": statat sub: no such file or directory",
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the git repository 'https://h.test/app.git': it does not contain the directory '/sub'.")]
    [InlineData(
        "failed to read dockerfile: failed to open subdir sub: open /var/lib/snapshots/7/fs/checkout1/sub: no such file or directory",
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the git repository 'https://h.test/app.git': it does not contain the directory 'sub'.")]
    [InlineData(
        "failed to read downloaded context: failed to load cache key: Get \"http://h.test:1/x.tar?token=secret\": dial tcp 127.0.0.1:1: connect: connection refused",
        BuildFailureKind.SourceUnavailable,
        "The engine could not fetch the address 'http://h.test:1/x.tar': dial tcp 127.0.0.1:1: connect: connection refused")]
    [InlineData(
        "failed to load cache key: invalid response status 404",
        BuildFailureKind.SourceNotFound,
        "The engine could not fetch the address 'https://h.test/app.git': the server answered with status 404.")]
    [InlineData(
        "failed to load cache key: invalid response status 401",
        BuildFailureKind.SourceDenied,
        "The engine could not fetch the address 'https://h.test/app.git': the server answered with status 401.")]
    [InlineData(
        "failed to load cache key: invalid response status 503",
        BuildFailureKind.SourceUnavailable,
        "The engine could not fetch the address 'https://h.test/app.git': the server answered with status 503.")]
    [InlineData(
        "digest mismatch sha256:aa: sha256:bb",
        BuildFailureKind.SourceChanged,
        "The content of the address 'https://h.test/app.git' has the checksum sha256:aa, not sha256:bb.")]
    public void WhatAnEngineSays_HasAKindAndWords(string text, BuildFailureKind kind, string message)
    {
        ImageBuildException failure = From(text);
        Assert.Equal(kind, failure.Kind);
        Assert.Equal(message, failure.Message);
        Assert.Empty(failure.LogTail);
    }

    [Fact]
    public void AContextWithoutADockerfile_IsNamed()
    {
        ImageBuildException failure = From("failed to solve: failed to read dockerfile: open Other: no such file or directory");
        Assert.Equal(BuildFailureKind.FileNotInContext, failure.Kind);
        Assert.Equal("The context 'https://h.test/app.git' does not contain the Dockerfile 'Other'.", failure.Message);
    }

    [Theory]
    [InlineData("failed to resolve source metadata for h.test/x:1: failed to do request: Head \"https://h.test/v2/x/manifests/1\": dial tcp: connection refused", BuildFailureKind.BaseImageUnavailable)]
    [InlineData("failed to push h.test/x:1: failed to do request: Head \"https://h.test/v2/x/blobs/1\": dial tcp: connection refused", BuildFailureKind.PushFailed)]
    [InlineData("process \"git clone\" did not complete successfully: exit code: 128", BuildFailureKind.StepFailed)]
    public void Others_KeepTheirKinds(string text, BuildFailureKind kind) => Assert.Equal(kind, From(text).Kind);

    private static ImageBuildException From(string text) =>
        BuildFailure.From(new RpcException(new Status(StatusCode.Unknown, text)), new BuildModel(), "unix:///engine.sock", "ref", null, new ImageBuildRequest { ContextPath = "https://user:pw@h.test/app.git#main" });
}
