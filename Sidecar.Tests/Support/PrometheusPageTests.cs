using NUnit.Framework;

namespace Sidecar.Tests.Support;

public sealed class PrometheusPageTests
{
    [TestCase("# HELP a A\n# TYPE a counter\na 1")]
    [TestCase("a 1\n")]
    [TestCase("# TYPE a counter\na 1\n")]
    [TestCase("# HELP a A\n# TYPE a counter\na 1\na 2\n")]
    [TestCase("# HELP a A\n# TYPE a counter\nb 1\n")]
    [TestCase("# HELP a A\n# TYPE a counter\na{x=\"1\",x=\"2\"} 1\n")]
    [TestCase("# HELP a A\n# TYPE a counter\na{x=\"1\\\"} 1\n")]
    [TestCase("# HELP a A\n# TYPE a counter\na{le-x=\"1\"} 1\n")]
    [TestCase("# HELP a A\n# TYPE a counter\na 1\n# HELP a A\n# TYPE a counter\na{x=\"1\"} 1\n")]
    [TestCase("# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n")]
    [TestCase("# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n")]
    [TestCase("# HELP a A\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n")]
    [TestCase("# HELP a A\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n")]
    public void WhatPrometheusWouldRefuse_Throws(string text) => Assert.That(() => new PrometheusPage(text), Throws.TypeOf<FormatException>());

    [Test]
    public void WhatIsWellFormed_IsRead()
    {
        var page = new PrometheusPage("# HELP a A\\n\n# TYPE a gauge\na{x=\"\\\"\\\\\"} NaN\n# HELP h H\n# TYPE h histogram\nh_bucket{le=\"5e-05\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum -1.5\nh_count 2\n");
        Assert.That(page.Samples["h_count{}"], Is.EqualTo(2));
        Assert.That(page.Types, Has.Count.EqualTo(2));
    }
}
