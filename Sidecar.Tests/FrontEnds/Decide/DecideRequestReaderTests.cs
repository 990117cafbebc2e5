using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.Inspection.Bodies;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.Decide;

/// <summary>What is understood of a question, and how everything else is named.</summary>
internal sealed class DecideRequestReaderTests
{
    private static readonly JsonListenerOptions Options = new() { Name = "json" };

    [TestCase("", "is no JSON")]
    [TestCase("{", "is no JSON")]
    [TestCase("[]", "$ is an array; an object is expected")]
    [TestCase("null", "$ is null; an object is expected")]
    [TestCase("{}", "$.phase is missing")]
    [TestCase("{\"phase\":7}", "$.phase is 7; a string is expected")]
    [TestCase("{\"phase\":\"connect\"}", "$.phase is 'connect'; request_headers, request, response_headers or response is expected")]
    [TestCase("{\"v\":2}", "$.v is 2; a whole number from 1 to 1 is expected")]
    [TestCase("{\"tx\":\"\"}", "$.tx is ''; an id of 1 to 256 characters is expected")]
    [TestCase("{\"tx\":[]}", "$.tx is")]
    [TestCase("{\"deadline_ms\":0}", "$.deadline_ms is 0; a whole number from 1 to 3600000 is expected")]
    [TestCase("{\"deadline_ms\":1.5}", "$.deadline_ms is 1.5")]
    [TestCase("{\"deadline_ms\":\"9\"}", "$.deadline_ms is '9'")]
    [TestCase("{\"complete\":1}", "$.complete is 1; true or false is expected")]
    [TestCase("{\"ends\":1}", "$.ends is 1; true or false is expected")]
    [TestCase("{\"phase\":\"request\",\"tx\":\"t\",\"ends\":true,\"request\":{\"method\":\"GET\",\"path\":\"/\",\"body\":{\"truncated\":false,\"final\":false}}}", "$.ends is true with a part")]
    [TestCase("{\"client\":{\"port\":65536}}", "$.client.port is 65536")]
    [TestCase("{\"client\":{\"tls\":{\"sni\":1}}}", "$.client.tls.sni is 1")]
    [TestCase("{\"client\":[]}", "$.client is")]
    [TestCase("{\"request\":\"x\"}", "$.request is 'x'; an object is expected")]
    [TestCase("{\"request\":{\"method\":{}}}", "$.request.method is an object; a string is expected")]
    [TestCase("{\"request\":{\"headers\":{}}}", "$.request.headers is an object; an array is expected")]
    [TestCase("{\"request\":{\"headers\":[[\"a\",\"b\"],7]}}", "$.request.headers[1] is 7; an array is expected")]
    [TestCase("{\"request\":{\"headers\":[[\"a\",\"b\"],[\"c\",null]]}}", "$.request.headers[1][1] is null; a string is expected")]
    [TestCase("{\"request\":{\"headers\":[[7,\"b\"]]}}", "$.request.headers[0][0] is 7")]
    [TestCase("{\"request\":{\"headers\":[[]]}}", "a header name is expected")]
    [TestCase("{\"request\":{\"headers\":[[\"a\"]]}}", "the header 'a' has no value")]
    [TestCase("{\"request\":{\"headers\":[[\"a\",\"b\",\"hex\"]]}}", "$.request.headers[0][2] is 'hex'; \"base64\" is expected")]
    [TestCase("{\"request\":{\"headers\":[[\"a\",\"?\",\"base64\"]]}}", "the value of the header 'a' is not base64")]
    [TestCase("{\"request\":{\"headers\":[[\"a\",\"\",\"base64\",1]]}}", "$.request.headers[0][3] is 1; nothing after \"base64\" is expected")]
    [TestCase("{\"request\":{\"body\":{}}}", "a body without \"truncated\"")]
    [TestCase("{\"request\":{\"body\":{\"data\":\"x\"}}}", "a body without \"truncated\"")]
    [TestCase("{\"request\":{\"body\":{\"truncated\":null}}}", "a body without \"truncated\"")]
    [TestCase("{\"request\":{\"body\":{\"truncated\":true,\"final\":false}}}", "with its last part")]
    [TestCase("{\"request\":{\"body\":{\"data\":\"*\",\"encoding\":\"base64\",\"truncated\":false}}}", "a body whose data is not base64")]
    [TestCase("{\"request\":{\"body\":{\"encoding\":\"gzip\"}}}", "$.request.body.encoding is 'gzip'; base64 or utf8 is expected")]
    [TestCase("{\"request\":{\"body\":{\"part\":-1}}}", "$.request.body.part is -1")]
    [TestCase("{\"request\":{\"body\":{\"size\":-1}}}", "$.request.body.size is -1")]
    [TestCase("{\"response\":{\"status\":99}}", "$.response.status is 99; a whole number from 100 to 999 is expected")]
    [TestCase("{\"phase\":\"request\"}", "$.request is missing")]
    [TestCase("{\"phase\":\"request\",\"request\":{}}", "$.request.method is missing")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\"}}", "$.request.path is missing")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"body\":{\"truncated\":false}}}", "$.request.method is missing")]
    [TestCase("{\"phase\":\"request_headers\",\"request\":{\"method\":\"GET\",\"path\":\"/\",\"body\":{\"truncated\":false}}}", "$.request.body stands in a phase without it")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\",\"body\":{\"truncated\":false,\"final\":false}}}", "$.tx is missing")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\"},\"response\":{}}", "$.response stands in a request phase")]
    [TestCase("{\"phase\":\"response\",\"request\":{\"method\":\"GET\",\"path\":\"/\"}}", "$.response is missing")]
    [TestCase("{\"phase\":\"response\",\"response\":{}}", "$.response.status is missing")]
    [TestCase("{\"phase\":\"response\",\"response\":{\"status\":200},\"request\":{\"method\":\"GET\",\"path\":\"/\",\"body\":{\"truncated\":false}}}", "$.request.body stands in a response phase")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\"}} {}", "is no JSON")]
    public void WhatIsWrong_IsNamed(string text, string expected)
    {
        var error = Assert.Throws<DecideRequestException>(() => Read(text))!.Error;
        Assert.That((error.Status, error.Code), Is.EqualTo((400, "malformed")));
        Assert.That(error.Message, Does.Contain(expected));
    }

    [Test]
    public void Depth_IsBounded() =>
        Assert.That(() => Read("{\"x\":" + new string('[', 100_000)), Throws.TypeOf<DecideRequestException>().With.Message.Contains("nested deeper than 32"));

    [Test]
    public void AnyBytes_AreReadOrNamed()
    {
        var valid = Encoding.UTF8.GetBytes(Questions.Request("t", body: Questions.Base64([1, 2, 3]), more: """ "deadline_ms": 5, "x": [ { "y": 1e9 } ], """));
        var random = new Random(7);
        var understood = 0;
        for (var round = 0; round < 20_000; round++)
        {
            byte[] text = [.. valid];
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
            }

            try
            {
                DecideRequestReader.Read(text.AsMemory(0, random.Next(8) == 0 ? random.Next(text.Length) : text.Length), null, Options);
                understood++;
            }
            catch (DecideRequestException e)
            {
                Assert.That(e.Error.Message, Is.Not.Empty);
            }
        }

        Assert.That(understood, Is.InRange(100, 19_900), "both happened");
    }

    [TestCase("""a\"\\\/\b\f\n\r\t""", "a\"\\/\b\f\n\r\t")]
    [TestCase("""\u0041\u00e4\u20AC\ud83d\ude00""", "Aä€😀")]
    [TestCase("""\ud83dx\ude00\ud83d\u0041\ud83d""", "\uFFFDx\uFFFD\uFFFDA\uFFFD")]
    public void Unescape_ResolvesEveryEscapeInPlace(string raw, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(raw);
        Assert.That(Encoding.UTF8.GetString(bytes, 0, JsonText.Unescape(bytes, bytes)), Is.EqualTo(expected));
    }

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public void Body_ComesThroughAsTextAndAsBase64(byte[] bytes)
    {
        var text = Encoding.Latin1.GetString(bytes ?? []);
        var asText = Read(Questions.Request(body: Questions.Body(text))).Body!;
        var asBase64 = Read(Questions.Request(body: Questions.Base64(bytes ?? []))).Body!;
        Assert.That(Encoding.UTF8.GetString(asText.Data.Span), Is.EqualTo(text));
        Assert.That(asBase64.Data.ToArray(), Is.EqualTo(bytes ?? []));
    }

    [Test]
    public void Fields_ThatComeTwice_TheLastCounts()
    {
        var question = Read("""
            { "phase": "response", "phase": "request", "tx": "a", "tx": null,
              "request": { "method": "A", "path": "/" }, "request": { "method": "B", "path": "/b", "headers": [["a","1"]], "headers": [["b","2"]],
              "body": { "data": "eA==", "encoding": "utf8", "encoding": "base64", "truncated": true, "truncated": false } } }
            """);
        Assert.That(
            (question.Phase, question.Tx, question.Request!.Method, question.Request.Headers.Block.Count), Is.EqualTo((Phase.Request, null as string, "B", 1)));
        Assert.That((Events.Text(question.Body!.Data), question.Body.End), Is.EqualTo(("x", BodyEnd.Last)));
    }

    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\"}}", "3 bytes of a body that the head does not announce")]
    [TestCase("{\"phase\":\"request\",\"request\":{\"method\":\"GET\",\"path\":\"/\",\"body\":{\"data\":\"x\",\"truncated\":false}}}", "nothing, because the body follows the head")]
    public void Frame_WhoseHeadDoesNotFitItsBodyIsNamed(string head, string expected) => Assert.That(
        () => DecideRequestReader.Read(Encoding.UTF8.GetBytes(head), "abc"u8.ToArray(), Options),
        Throws.TypeOf<DecideRequestException>().With.Message.Contains(expected));

    private static DecideRequest Read(string text) => DecideRequestReader.Read(Encoding.UTF8.GetBytes(text), null, Options);
}
