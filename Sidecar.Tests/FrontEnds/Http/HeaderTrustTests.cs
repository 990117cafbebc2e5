using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Http;

namespace Sidecar.Tests.FrontEnds.Http;

[TestFixture]
internal sealed class HeaderTrustTests
{
    private static readonly HeaderTrust Nginx = ProxyDialect.Nginx.Trust;

    [Test]
    public void Classify_EveryTrustedHeader_IsFoundInAnyCaseUnderItsNumber()
    {
        foreach (var header in Enum.GetValues<TrustedHeader>())
        {
            var name = Nginx.NameOf(header)!;
            Assert.That(Nginx.Classify(name), Is.EqualTo((int)header), name);
            Assert.That(Nginx.Classify(name.ToUpperInvariant()), Is.EqualTo((int)header), name);
        }

        Assert.That(HeaderTrust.Count, Is.EqualTo(Enum.GetValues<TrustedHeader>().Length));
    }

    [Test]
    public void Classify_InEveryDialect_BelievesItsOwnNamesAndDropsTheirImitations()
    {
        foreach (var dialect in new[] { ProxyDialect.Nginx, ProxyDialect.Caddy, ProxyDialect.Traefik, ProxyDialect.EnvoyHttp })
        {
            foreach (var header in Enum.GetValues<TrustedHeader>().Where(header => dialect.Trust.NameOf(header) is not null))
            {
                var name = dialect.Trust.NameOf(header)!;
                Assert.That(dialect.Trust.Classify(name.ToUpperInvariant()), Is.EqualTo((int)header), name);
                Assert.That(dialect.Trust.Classify(name.Replace('-', '_')), name.Contains('-', StringComparison.Ordinal) ? Is.EqualTo(HeaderTrust.Dropped) : Is.EqualTo((int)header), name);
            }

            foreach (var name in new[] { "connection", "content-length", "transfer-encoding", "X-Sidecar-Secret", "X_Sidecar_Id" })
            {
                Assert.That(dialect.Trust.Classify(name), Is.EqualTo(HeaderTrust.Dropped), name);
            }
        }
    }

    [TestCase("x-original-uri", true, false, false, false)]
    [TestCase("x-forwarded-uri", false, true, true, false)]
    [TestCase("x-forwarded-for", true, true, true, false)]
    [TestCase("x-request-id", true, false, false, true)]
    [TestCase("host", false, false, false, true)]
    public void Classify_WhatOneProxySets_AnotherDoesNotBelieve(string name, bool nginx, bool caddy, bool traefik, bool envoy)
    {
        var believed = new[] { ProxyDialect.Nginx, ProxyDialect.Caddy, ProxyDialect.Traefik, ProxyDialect.EnvoyHttp }
            .Select(dialect => dialect.Trust.Classify(name) >= 0);

        Assert.That(believed, Is.EqualTo(new[] { nginx, caddy, traefik, envoy }));
    }

    [Test]
    public void Classify_TrustedNameWithAnUnderscore_IsDropped()
    {
        foreach (var name in Enum.GetValues<TrustedHeader>().Select(static header => Nginx.NameOf(header)!))
        {
            Assert.That(Nginx.Classify(name.Replace('-', '_')), Is.EqualTo(HeaderTrust.Dropped), name);
            var last = name.LastIndexOf('-');
            Assert.That(Nginx.Classify(name[..last] + "_" + name[(last + 1)..]), Is.EqualTo(HeaderTrust.Dropped), name);
        }
    }

    [TestCase("X-Sidecar-Anything")]
    [TestCase("x-sidecar-")]
    [TestCase("X_Sidecar_User")]
    [TestCase("x_sidecar-request-x-user")]
    [TestCase("X-Sidecar-A-Name-That-Is-Longer-Than-Every-Other-Name-We-Know-Of")]
    public void Classify_OurPrefix_IsDropped(string name) => Assert.That(Nginx.Classify(name), Is.EqualTo(HeaderTrust.Dropped));

    [TestCase("Host")]
    [TestCase("Connection")]
    [TestCase("Content-Length")]
    [TestCase("Keep-Alive")]
    [TestCase("TE")]
    [TestCase("Transfer-Encoding")]
    [TestCase("Upgrade")]
    public void Classify_HeaderOfTheConnection_IsDropped(string name) => Assert.That(Nginx.Classify(name), Is.EqualTo(HeaderTrust.Dropped));

    [TestCase("Cookie")]
    [TestCase("X-User")]
    [TestCase("X-Sidecars")]
    [TestCase("X-Original")]
    [TestCase("a")]
    [TestCase("a_b")]
    [TestCase("x-original-uri-of-something-much-longer-than-the-table-has")]
    public void Classify_AnyOther_IsOrdinary(string name) => Assert.That(Nginx.Classify(name), Is.EqualTo(HeaderTrust.Ordinary));
}
