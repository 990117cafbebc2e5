using NUnit.Framework;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Inspection.Verdicts;

internal sealed class HeaderNamesTests
{
    [TestCase("X-Sidecar-Id", true)]
    [TestCase("x_sidecar_id", true)]
    [TestCase("X-Sidecar_Anything", true)]
    [TestCase("X-Sidecar-", true)]
    [TestCase("X-Sidecar", false)]
    [TestCase("X-Sidecars", false)]
    [TestCase("Y-Sidecar-Id", false)]
    public void WithoutOwn_DropsOurNamesInEverySpelling(string name, bool isOurs)
    {
        var headers = new HeaderBlock();
        headers.Add("Accept", "text/plain");
        headers.Add(name, "forged");
        headers.AddNameOnly("empty"u8);

        var rest = HeaderNames.WithoutOwn(headers);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rest.Get(name), isOurs ? Is.Null : Is.EqualTo("forged"));
            Assert.That(rest.Get("accept"), Is.EqualTo("text/plain"));
            Assert.That(rest.IndexOf("empty"u8), Is.EqualTo(isOurs ? 1 : 2));
        }
    }

    [Test]
    public void WithoutOwn_NothingOfOurs_IsTheSameObject()
    {
        var headers = new HeaderBlock();
        headers.Add("Accept", "text/plain");

        Assert.That(HeaderNames.WithoutOwn(headers), Is.SameAs(headers));
    }
}
