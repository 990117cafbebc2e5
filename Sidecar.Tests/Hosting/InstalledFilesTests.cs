using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Tests.Configuration.Files;

namespace Sidecar.Tests.Hosting;

/// <summary>What <c>scripts/install.sh</c> puts into place.</summary>
public sealed partial class InstalledFilesTests
{
    private static string Systemd
    {
        get
        {
            var directory = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
            while (!File.Exists(Path.Combine(directory!.FullName, "sidecar.sln")))
            {
                directory = directory.Parent;
            }

            return Path.Combine(directory.FullName, "systemd");
        }
    }

    [Test]
    public void Sample_IsValid_AndInspectsNothingByAccident()
    {
        var reading = Read(File.ReadAllText(Path.Combine(Systemd, "sidecar.yaml")));
        Assert.That((reading.Errors, reading.Warnings), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
        Assert.That((reading.Snapshot!.BringsRequests, reading.Snapshot.Agents.Count, reading.Snapshot.Routes.Count), Is.EqualTo((false, 0, 0)));
        Assert.That(reading.Snapshot.Listeners.Single().Path, Is.EqualTo(Defaults.AdminSocket), "where the commands look for it");
    }

    [Test]
    public void Sample_WithoutItsCommentSigns_IsASiteBehindEveryProxy()
    {
        var reading = Read(CommentedOut().Replace(File.ReadAllText(Path.Combine(Systemd, "sidecar.yaml")), "${indent}"));
        Assert.That(reading.Errors, Is.Empty);
        Assert.That(reading.Snapshot!.Listeners.Select(static listener => listener.Name), Is.EqualTo(new[] { "admin", "nginx", "caddy", "haproxy", "envoy" }));
        Assert.That((reading.Snapshot.Agents.Count, reading.Snapshot.Routes.Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Unit_ReloadsByACommandThatFailsWhenTheReloadIsRefused() =>
        Assert.That(File.ReadAllText(Path.Combine(Systemd, "sidecar.service")), Does.Contain("\nExecReload=/usr/local/bin/sidecar reload\n"));

    private static ConfigurationReading Read(string text) => ConfigurationText.Read(text);

    [GeneratedRegex(@"^(?<indent> *)# (?=[a-z]+: \{|agents:|  waf:|routes:|- \{)", RegexOptions.Multiline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex CommentedOut();
}
