using System.Buffers;
using System.Text.Json;
using Konstruct.Contracts.Dispatch;
using Konstruct.Gateway.Configuration;

namespace Konstruct.Gateway.Turns.Celery;

/// <summary>
/// Messages as Celery's workers read them: message protocol 2 with the JSON serializer, through kombu's Redis transport. A task's message is a
/// function of its turn, so that a message which no worker has taken can be found on the list and removed.
/// </summary>
internal static class CeleryMessage
{
    /// <summary>Name of the producer in the header <c>origin</c>. Celery writes process and host there.</summary>
    private const string Origin = "konstruct-gateway";

    /// <summary>The message of a task.</summary>
    public static byte[] Of(KonstructMessage task, CeleryOptions options)
    {
        var id = task.TurnId.ToString("D");
        return Write(json =>
        {
            WriteContent(json, WriteBody(task));
            json.WriteStartObject("headers");
            json.WriteString("lang", "py");
            json.WriteString("task", options.Task);
            json.WriteString("id", id);
            json.WriteNull("shadow");
            json.WriteNull("eta");
            json.WriteNull("expires");
            json.WriteNull("group");
            json.WriteNull("group_index");
            json.WriteNumber("retries", 0);
            json.WriteStartArray("timelimit");
            json.WriteNullValue();
            json.WriteNullValue();
            json.WriteEndArray();
            json.WriteString("root_id", id);
            json.WriteNull("parent_id");
            // Workers log these. They must not hold what a user wrote.
            json.WriteString("argsrepr", "(...)");
            json.WriteString("kwargsrepr", "{}");
            json.WriteString("origin", Origin);
            json.WriteBoolean("ignore_result", !options.StoreResult);
            if (task.Traceparent is { } traceparent)
            {
                json.WriteString("traceparent", traceparent);
            }

            json.WriteEndObject();
            json.WriteStartObject("properties");
            json.WriteString("correlation_id", id);
            json.WriteString("reply_to", "");
            WriteDelivery(json, exchange: "", options.List, options.Priority, tag: id);
            json.WriteEndObject();
        });
    }

    /// <summary>The message that revokes a task on all workers. A task that runs already is not terminated.</summary>
    public static byte[] Revoke(Guid turnId)
    {
        var command = Write(json =>
        {
            json.WriteString("method", "revoke");
            json.WriteStartObject("arguments");
            json.WriteString("task_id", turnId.ToString("D"));
            json.WriteBoolean("terminate", false);
            json.WriteString("signal", "SIGTERM");
            json.WriteEndObject();
            json.WriteNull("destination");
            json.WriteNull("pattern");
            json.WriteNull("matcher");
        });
        return Write(json =>
        {
            WriteContent(json, command);
            json.WriteStartObject("headers");
            json.WriteNumber("clock", 1);
            json.WriteNumber("expires", 0);
            json.WriteEndObject();
            json.WriteStartObject("properties");
            WriteDelivery(json, exchange: "celery.pidbox", routingKey: "", priority: 0, tag: Guid.NewGuid().ToString("D"));
            json.WriteEndObject();
        });
    }

    private static byte[] WriteBody(KonstructMessage task)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartArray();
            json.WriteStartArray();
            json.WriteRawValue(task.ToUtf8(), skipInputValidation: true);
            json.WriteEndArray();
            json.WriteStartObject();
            json.WriteEndObject();
            json.WriteStartObject();
            json.WriteNull("callbacks");
            json.WriteNull("errbacks");
            json.WriteNull("chain");
            json.WriteNull("chord");
            json.WriteEndObject();
            json.WriteEndArray();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteContent(Utf8JsonWriter json, byte[] body)
    {
        json.WriteBase64String("body", body);
        json.WriteString("content-encoding", "utf-8");
        json.WriteString("content-type", "application/json");
    }

    private static void WriteDelivery(Utf8JsonWriter json, string exchange, string routingKey, int priority, string tag)
    {
        json.WriteNumber("delivery_mode", 2);
        json.WriteStartObject("delivery_info");
        json.WriteString("exchange", exchange);
        json.WriteString("routing_key", routingKey);
        json.WriteEndObject();
        json.WriteNumber("priority", priority);
        json.WriteString("body_encoding", "base64");
        json.WriteString("delivery_tag", tag);
    }

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
