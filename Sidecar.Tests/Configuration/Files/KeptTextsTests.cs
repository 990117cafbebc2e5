using NUnit.Framework;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>A configuration is read again from the texts that were kept of it, as if they stood in their files.</summary>
public sealed class KeptTextsTests
{
    private const string Main = "version: 1\ninclude: [conf.d/*.yaml, one.yaml]\nlisteners: {n: {for: native, socket: n.sock}}\n# ä\n";
    private const string Part = "version: 1\nagents: {waf: {at: waf.sock}}\n";
    private const string One = "version: 1\nroutes: [{name: all, match: any, inspect: [waf]}]\n";

    [Test]
    public void TextsOfAReading_AreReadAsTheirFilesWere_WhateverStandsInThemNow()
    {
        using var files = new TempDirectory();
        Directory.CreateDirectory(files.File("conf.d"));
        var (main, part, one) = (files.File("s.yaml"), Path.Combine(files.File("conf.d"), "a.yaml"), files.File("one.yaml"));
        File.WriteAllText(main, Main);
        File.WriteAllText(part, Part);
        File.WriteAllText(one, One);
        var source = new FileSource(main, new WrittenFlags(), ConfigurationText.Machine);
        var before = source.Read();
        Assert.That(before.Errors, Is.Empty);
        Assert.That(before.Texts, Is.EqualTo(new FileText[] { new(main, Main), new(part, Part), new(one, One) }));

        File.WriteAllText(main, "what");
        File.Delete(part);
        File.WriteAllText(Path.Combine(files.File("conf.d"), "b.yaml"), Part);
        var after = source.With(before.Texts).Read();
        Assert.That(Daemon.Configuration.ConfigurationDifference.Between(before.Snapshot!, after.Snapshot!).IsEmpty, Is.True);
        Assert.That((after.Warnings, after.Texts), Is.EqualTo((before.Warnings, before.Texts)));
        Assert.That(source.Read().Texts, Is.Empty, "what cannot be used is not to be kept");
    }

    [Test]
    public void AFileThatWasNotKept_IsAnError()
    {
        var source = new FileSource("/etc/other.yaml", new WrittenFlags(), ConfigurationText.Machine).With([new("/etc/s.yaml", Main)]);
        Assert.That(source.Read().Errors.Single(), Does.Contain("/etc/other.yaml was not kept"));
    }

    [Test]
    public void TheCommandLine_HasNoTexts()
    {
        IConfigurationSource source = new FlagSource(new WrittenFlags(), ConfigurationText.Machine);
        Assert.That(source.With([new("/etc/s.yaml", Main)]), Is.Null);
    }
}
