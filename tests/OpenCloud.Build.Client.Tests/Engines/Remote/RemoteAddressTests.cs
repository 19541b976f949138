using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Remote;

public sealed class RemoteAddressTests
{
    private const string Ssh = "ssh -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15";

    /// <summary>The full form, and the exact arguments of the program.</summary>
    [Theory]
    [InlineData("ssh://box", "ssh://box", Ssh + " -- box buildctl dial-stdio")]
    [InlineData("SSH://box/", "ssh://box", Ssh + " -- box buildctl dial-stdio")]
    [InlineData("ssh://me@box.example:2222/run/user/1000/buildkit/buildkitd.sock", null, Ssh + " -l me -p 2222 -- box.example buildctl --addr unix:///run/user/1000/buildkit/buildkitd.sock dial-stdio")]
    [InlineData("ssh://me@corp.example@box", null, Ssh + " -l me@corp.example -- box buildctl dial-stdio")]
    [InlineData("ssh://[::1]:22", null, Ssh + " -p 22 -- ::1 buildctl dial-stdio")]
    [InlineData("ssh://10.0.0.7", null, Ssh + " -- 10.0.0.7 buildctl dial-stdio")]
    [InlineData("ssh://build_box", null, Ssh + " -- build_box buildctl dial-stdio")]
    [InlineData("docker+ssh://me@box", null, Ssh + " -l me -- box docker system dial-stdio")]
    [InlineData("docker+ssh://box/run/docker.sock", null, Ssh + " -- box docker --host unix:///run/docker.sock system dial-stdio")]
    [InlineData("docker-container://buildkitd", null, "docker exec -i buildkitd buildctl dial-stdio")]
    [InlineData("docker-container://buildkitd?context=far", null, "docker --context=far exec -i buildkitd buildctl dial-stdio")]
    [InlineData("podman-container://Build_kit.1-a", null, "podman exec -i Build_kit.1-a buildctl dial-stdio")]
    [InlineData("nerdctl-container://b", null, "nerdctl exec -i b buildctl dial-stdio")]
    [InlineData("nerdctl-container://b?namespace=k8s.io", null, "nerdctl --namespace=k8s.io exec -i b buildctl dial-stdio")]
    [InlineData("kube-pod://buildkitd-0", null, "kubectl exec -i buildkitd-0 -- buildctl dial-stdio")]
    [InlineData(
        "kube-pod://buildkitd-0?container=buildkitd&namespace=build&context=arn%3Aaws%3Aeks%3Aeu:1:cluster/a",
        "kube-pod://buildkitd-0?context=arn:aws:eks:eu:1:cluster/a&namespace=build&container=buildkitd",
        "kubectl --context=arn:aws:eks:eu:1:cluster/a --namespace=build exec --container=buildkitd -i buildkitd-0 -- buildctl dial-stdio")]
    [InlineData("kube-pod://b?context=a%2Bb", null, "kubectl --context=a+b exec -i b -- buildctl dial-stdio")]
    public void Becomes_the_command_of_its_program(string text, string? full, string command)
    {
        EngineAddress address = EngineAddress.Parse(text);
        Assert.Equal(full ?? text, address.ToString());
        Assert.Equal(address, EngineAddress.Parse(address.ToString()));
        Assert.Equal(address.GetHashCode(), EngineAddress.Parse(address.ToString()).GetHashCode());
        Assert.NotEqual(address, EngineAddress.Parse("unix:///x"));
        RemoteCommand actual = RemoteCommand.Of(address.Remote!);
        Assert.Equal(command, $"{actual.Program} {string.Join(' ', actual.Arguments)}");
        Assert.False(address.IsLocal);
    }

    /// <summary>What a shell, or the option parser of a program, would take.</summary>
    [Theory]
    [InlineData("ssh://-oProxyCommand=x")]
    [InlineData("ssh://-oProxyCommand=touch%20x/")]
    [InlineData("ssh://-l@box")]
    [InlineData("ssh://a$b@box")]
    [InlineData("ssh://a b@box")]
    [InlineData("ssh://`id`@box")]
    [InlineData("ssh://me@b;ox")]
    [InlineData("ssh://me@b|ox")]
    [InlineData("ssh://me@$(id)")]
    [InlineData("ssh://me@box\n")]
    [InlineData("ssh://me@bo'x")]
    [InlineData("ssh://me@box%h")]
    [InlineData("ssh://me@-box")]
    [InlineData("ssh://@box")]
    [InlineData("ssh://")]
    [InlineData("ssh:///run/x.sock")]
    [InlineData("ssh://[fe80::1%25eth0;id]")]
    [InlineData("ssh://[::1")]
    [InlineData("ssh://::1")]
    [InlineData("ssh://box:0")]
    [InlineData("ssh://box:-1")]
    [InlineData("ssh://box:65536")]
    [InlineData("ssh://box:22 ")]
    [InlineData("ssh://box/a b")]
    [InlineData("ssh://box/a;id")]
    [InlineData("ssh://box/$(id)")]
    [InlineData("ssh://box/a&b")]
    [InlineData("ssh://box/a?x=y")]
    [InlineData("ssh://box//a")]
    [InlineData("ssh://box/a\nb")]
    [InlineData("ssh://box/-a/'")]
    [InlineData("docker+ssh://-x")]
    [InlineData("docker-container://")]
    [InlineData("docker-container://-v")]
    [InlineData("docker-container://--privileged")]
    [InlineData("docker-container://a/b")]
    [InlineData("docker-container://a;b")]
    [InlineData("docker-container://a b")]
    [InlineData("docker-container://a?context=-x")]
    [InlineData("docker-container://a?context=")]
    [InlineData("docker-container://a?context")]
    [InlineData("docker-container://a?context=a%0Ab")]
    [InlineData("docker-container://a?context=a+b")]
    [InlineData("docker-container://a?namespace=b")]
    [InlineData("docker-container://a?context=b&context=c")]
    [InlineData("podman-container://-a")]
    [InlineData("podman-container://a?context=b")]
    [InlineData("nerdctl-container://a?namespace=-b")]
    [InlineData("nerdctl-container://a?namespace=$HOME")]
    [InlineData("kube-pod://-a")]
    [InlineData("kube-pod://A")]
    [InlineData("kube-pod://a_b")]
    [InlineData("kube-pod://a?namespace=-n")]
    [InlineData("kube-pod://a?namespace=a.b")]
    [InlineData("kube-pod://a?container=--")]
    [InlineData("kube-pod://a?context=--kubeconfig=x")]
    [InlineData("kube-pod://a?kubeconfig=x")]
    [InlineData("kube-deployment://a?kubeconfig=x")]
    [InlineData("kube-deployment://-a")]
    public void Refuses_what_a_shell_or_an_option_parser_would_take(string text)
    {
        Assert.False(text.EndsWith(' ') || text.EndsWith('\n') ? RemoteAddress.Parse("ssh", text["ssh://".Length..], out _) is null : EngineAddress.TryParse(text, out _));
    }

    [Theory]
    [InlineData("ssh://me:secret@box")]
    [InlineData("docker+ssh://me:secret@box")]
    public void Never_repeats_a_password(string text)
    {
        FormatException e = Assert.Throws<FormatException>(() => EngineAddress.Parse(text));
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.Contains("must not contain a password", e.Message, StringComparison.Ordinal);
    }
}
