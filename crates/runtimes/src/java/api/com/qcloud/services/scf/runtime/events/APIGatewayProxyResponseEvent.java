package com.qcloud.services.scf.runtime.events;

import java.util.Map;

/** What an API gateway answers for a function. */
public class APIGatewayProxyResponseEvent extends Value {
    private static final long serialVersionUID = 1;

    private Integer statusCode;
    private Map<String, String> headers;
    private String body;
    private Boolean isBase64Encoded;

    public Integer getStatusCode() {
        return statusCode;
    }

    public void setStatusCode(Integer statusCode) {
        this.statusCode = statusCode;
    }

    public Map<String, String> getHeaders() {
        return headers;
    }

    public void setHeaders(Map<String, String> headers) {
        this.headers = headers;
    }

    public String getBody() {
        return body;
    }

    public void setBody(String body) {
        this.body = body;
    }

    public Boolean getIsBase64Encoded() {
        return isBase64Encoded;
    }

    public void setIsBase64Encoded(Boolean isBase64Encoded) {
        this.isBase64Encoded = isBase64Encoded;
    }

    @Override
    public APIGatewayProxyResponseEvent clone() {
        return (APIGatewayProxyResponseEvent) super.clone();
    }
}
