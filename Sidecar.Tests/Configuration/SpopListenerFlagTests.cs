using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Configuration;

/// <summary><c>--listen spop=…</c>.</summary>
internal sealed class SpopListenerFlagTests
{
    [Test]
    public void Path_HasTheDefaultsOfSpop()
    {
        var options = Parse("spop=/run/spop.sock")!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((options.Kind, options.Name, options.Place), Is.EqualTo((ListenerKind.Spop, "spop:spop.sock", "/run/spop.sock")));
            Assert.That(options.Budget, Is.EqualTo(TimeSpan.FromMilliseconds(160)));
            Assert.That(options.Spop, Is.EqualTo(new SpopOptions()));
        }
    }

    [TestCase("spop=abns:sidecar")]
    [TestCase("spop=abns@sidecar")]
    public void AbstractName_IsNoFile(string text)
    {
        var options = Parse(text)!;

        Assert.That((options.AbstractName, options.Name, options.Place), Is.EqualTo(("sidecar", "spop:sidecar", "abns:sidecar")));
    }

    [Test]
    public void Keys_AreRead()
    {
        var options = Parse("spop=/s,response=no,header-form=names,set-headers=A+B,edit-headers=,var-prefix=my,max-frame=64KiB,max-connections=7,budget=1s,unknown-exchange=open")!;

        Assert.That(
            (options.Spop.HasResponsePhase, options.Spop.HeaderForm, options.Spop.VariablePrefix, options.Spop.MaxFrameSize),
            Is.EqualTo((false, HeaderForm.Names, "my", 65_536)));
        Assert.That(options.Connections, Is.EqualTo(7));
        Assert.That(options.SetHeaders, Is.EqualTo(new[] { "A", "B" }));
        Assert.That((options.Budget, options.UnknownExchange), Is.EqualTo((TimeSpan.FromSeconds(1), FailureMode.Open)));
    }

    [TestCase("spop=", "empty")]
    [TestCase("spop=abns:", "abstract name")]
    [TestCase("spop=abns:x,mode=0660", "abstract name has none")]
    [TestCase("spop=/s,set-headers=A", "header-form=names")]
    [TestCase("spop=/s,var-prefix=a-b", "var-prefix")]
    [TestCase("spop=/s,var-prefix=abcdefghijklmnopq", "var-prefix")]
    [TestCase("spop=/s,max-rewrite=10", "max-rewrite")]
    [TestCase("spop=/s,max-frame=2MiB", "max-frame")]
    [TestCase("spop=/s,max-connections=0", "max-connections")]
    [TestCase("spop=/s,proxy=nginx", "proxy")]
    public void WrongUse_IsNamed(string text, string part)
    {
        var errors = new List<string>();

        Assert.That(ListenerFlag.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Some.Contains(part));
    }

    private static ListenerOptions? Parse(string text)
    {
        var errors = new List<string>();
        var options = ListenerFlag.Parse(text, errors);
        Assert.That(errors, Is.Empty);
        return options;
    }
}
