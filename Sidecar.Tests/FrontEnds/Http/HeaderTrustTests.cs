using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Http;

namespace Sidecar.Tests.FrontEnds.Http;

[TestFixture]
internal sealed class HeaderTrustTests
{
    [Test]
    public void Classify_EveryTrustedHeader_IsFoundInAnyCaseUnderItsNumber()
    {
        foreach (var header in Enum.GetValues<TrustedHeader>())
        {
            var name = HeaderTrust.NameOf(header);
            Assert.That(HeaderTrust.Classify(name), Is.EqualTo((int)header), name);
            Assert.That(HeaderTrust.Classify(name.ToUpperInvariant()), Is.EqualTo((int)header), name);
        }

        Assert.That(HeaderTrust.Count, Is.EqualTo(Enum.GetValues<TrustedHeader>().Length));
    }

    [Test]
    public void Classify_TrustedNameWithAnUnderscore_IsDropped()
    {
        foreach (var name in Enum.GetValues<TrustedHeader>().Select(HeaderTrust.NameOf))
        {
            Assert.That(HeaderTrust.Classify(name.Replace('-', '_')), Is.EqualTo(HeaderTrust.Dropped), name);
            var last = name.LastIndexOf('-');
            Assert.That(HeaderTrust.Classify(name[..last] + "_" + name[(last + 1)..]), Is.EqualTo(HeaderTrust.Dropped), name);
        }
    }

    [TestCase("X-Sidecar-Anything")]
    [TestCase("x-sidecar-")]
    [TestCase("X_Sidecar_User")]
    [TestCase("x_sidecar-request-x-user")]
    [TestCase("X-Sidecar-A-Name-That-Is-Longer-Than-Every-Other-Name-We-Know-Of")]
    public void Classify_OurPrefix_IsDropped(string name) => Assert.That(HeaderTrust.Classify(name), Is.EqualTo(HeaderTrust.Dropped));

    [TestCase("Host")]
    [TestCase("Connection")]
    [TestCase("Content-Length")]
    [TestCase("Keep-Alive")]
    [TestCase("TE")]
    [TestCase("Transfer-Encoding")]
    [TestCase("Upgrade")]
    public void Classify_HeaderOfTheConnection_IsDropped(string name) => Assert.That(HeaderTrust.Classify(name), Is.EqualTo(HeaderTrust.Dropped));

    [TestCase("Cookie")]
    [TestCase("X-User")]
    [TestCase("X-Sidecars")]
    [TestCase("X-Original")]
    [TestCase("a")]
    [TestCase("a_b")]
    [TestCase("x-original-uri-of-something-much-longer-than-the-table-has")]
    public void Classify_AnyOther_IsOrdinary(string name) => Assert.That(HeaderTrust.Classify(name), Is.EqualTo(HeaderTrust.Ordinary));
}
